"""What the suites stand on: the requirement catalogue and the vectors.

`vectors.catalogue` holds what the RFCs ask, `vectors.families` are Python functions that write frames and
the packets they must become, and `vectors/json/` is generated from those functions, byte for byte. No
expected octet in here was ever produced by the codec that it is meant to judge.
"""
