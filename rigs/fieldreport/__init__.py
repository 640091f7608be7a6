"""`make fieldreport`: what the field report behind this project measured, on two Linux guests over Bluetooth LE."""
