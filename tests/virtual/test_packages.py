"""The package cache, with a fake apt and a fake dpkg-deb on the PATH."""

import multiprocessing
import os
from pathlib import Path

import pytest

from rigs.guests import kernels, packages
from rigs.guests.image import ImageError, Kernel, kernel_of

APT_CACHE = r"""#!/bin/sh
echo "$@" >> "$CALLS"
shift 2
for p; do
  echo "$p"
  case $p in
    linux-image-amd64) echo "  Depends: linux-image-6.1.0-1-amd64";;
    python3-minimal) echo "  PreDepends: python3.11-minimal"; echo "  Depends: dpkg";;
    python3.11-minimal) echo "  PreDepends: libc6";;
    iproute2) printf ' |Depends: debconf\n  Depends: <debconf-2.0>\n    cdebconf\n'
      printf '  Depends: libbpf1\n  Depends: adduser\n';;
    libpython3.11-stdlib) echo "  Depends: libffi8"; echo "  Depends: libsqlite3-0";;
  esac
done
"""
APT_GET = r"""#!/bin/sh
echo "$@" >> "$CALLS"
[ -z "$APT_FAILS" ] || { echo "E: Unable to locate package" >&2; exit 100; }
for p; do case $p in --print-uris) only=1;; -*|APT*|download) ;;
  *) if [ -n "$only" ]; then echo "'http://x/$p.deb' ${p}_1%3a1.0_amd64.deb 9000000 SHA256:00"
     else echo "$p" > "${p}_1.0_amd64.deb"; fi;; esac; done
"""
DPKG_DEB = r"""#!/bin/sh
case $1 in
  --show) echo "$(cat "$3") 1.0";;
  -x) mkdir -p "$3/usr/bin" "$3/usr/share/doc"
      echo content > "$3/usr/bin/$(cat "$2")"; echo text > "$3/usr/share/doc/x";;
esac
"""


@pytest.fixture
def apt(tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in {"apt-cache": APT_CACHE, "apt-get": APT_GET, "dpkg-deb": DPKG_DEB}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("KEYHOLE_CACHE", str(tmp_path / "cache"))
    return calls


def test_first_use_downloads_and_the_second_calls_nothing(apt):
    tree = packages.ensure()
    names = {package.name for package in tree.packages}
    assert names == {
        *("linux-image-6.1.0-1-amd64", "python3.11-minimal", "libpython3.11-stdlib", "libffi8", "libc6"),
        *("busybox-static", "iproute2", "libbpf1"),
    }
    assert (tree.root / "usr/bin/iproute2").read_text() == "content\n"
    assert not (tree.root / "usr/share").exists()
    assert apt.read_text()
    apt.write_text("")
    assert packages.ensure() == tree
    assert apt.read_text() == ""


def test_it_says_how_much_is_downloaded_and_how_much_is_here(apt, caplog):
    caplog.set_level("INFO", logger="keyhole")
    packages.ensure()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "downloading 8 Debian packages, 72 MB (never installed)",
        *("18 of 72 MB are here", "36 of 72 MB are here", "54 of 72 MB are here"),
        "unpacking them",
    ]


def test_a_touched_file_is_hashed_and_a_changed_one_makes_the_tree_anew(apt):
    tree = packages.ensure()
    file = tree.root / "usr/bin/iproute2"
    os.utime(file, (1, 1))
    apt.write_text("")
    packages.ensure()
    assert apt.read_text() == ""
    file.write_text("CONTENT\n")
    assert packages.ensure().digest == tree.digest
    assert "download" in apt.read_text()
    assert file.read_text() == "content\n"


def test_a_lost_file_or_manifest_makes_the_tree_anew(apt):
    tree = packages.ensure()
    (tree.root / "usr/bin/iproute2").unlink()
    assert packages.ensure().root.joinpath("usr/bin/iproute2").exists()
    (tree.root.parent / "manifest.json").write_text("{")
    assert packages.ensure() == tree


def test_refresh_asks_again(apt):
    packages.ensure()
    apt.write_text("")
    packages.ensure(refresh=True)
    assert "download" in apt.read_text()


def test_two_processes_download_once(apt):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        one, two = pool.map(packages.ensure, [packages.BASE, packages.BASE])
    assert one == two
    assert apt.read_text().count("--print-uris") == 1


def test_nothing_half_done_is_left_behind(apt, monkeypatch, tmp_path):
    monkeypatch.setenv("APT_FAILS", "yes")
    with pytest.raises(packages.PackageError, match=r"Unable to locate package\nrun `apt-get update`"):
        packages.ensure()
    assert [path.suffix for path in (tmp_path / "cache/packages").iterdir()] == [".lock"]


def test_without_apt_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KEYHOLE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        packages.PackageError, match=r"apt-cache is not here: .*Debian or Ubuntu machine and copy it"
    ):
        packages.ensure()


def test_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("KEYHOLE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert packages.cache_dir() == Path(tmp_path / "xdg/keyhole")
    monkeypatch.setenv("KEYHOLE_CACHE", str(tmp_path / "named"))
    assert packages.cache_dir() == Path(tmp_path / "named")


def test_modules_are_kept_compressed_or_not(tmp_path):
    kernel = tmp_path / "lib" / "modules" / "6.12" / "kernel"
    kept = [
        "drivers/char/virtio_console.ko.xz",
        "drivers/net/virtio_net.ko",
        "drivers/usb/core/usbcore.ko.zst",
    ]
    for name in (*kept, "drivers/gpu/amdgpu.ko.xz", "drivers/net/virtio_net_other.ko"):
        (kernel / name).parent.mkdir(parents=True, exist_ok=True)
        (kernel / name).touch()
    packages._prune(tmp_path)
    assert sorted(str(path.relative_to(kernel)) for path in kernel.rglob("*.ko*")) == kept


@pytest.mark.parametrize("release", ["6.12.117+deb13-amd64", "7.3.4+deb13-amd64"])
def test_the_kernels_of_later_debians_are_pruned_and_found(tmp_path, release):
    """Debian 13 has modules in usr/lib; from 7.3 on its kernel stands beside them."""
    tree = tmp_path / "usr" / "lib" / "modules" / release
    image = tree / "vmlinuz" if release > "7" else tmp_path / "boot" / f"vmlinuz-{release}"
    for path in (image, tree / "kernel/net/6lowpan/6lowpan.ko.xz", tree / "kernel/drivers/gpu/amdgpu.ko.xz"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    packages._prune(tmp_path)
    assert [path.name for path in tree.rglob("*.ko*")] == ["6lowpan.ko.xz"]
    assert kernels.found(tmp_path) == [(image, tree)]
    assert kernel_of({"kernel": str(tmp_path)}) == Kernel(image, tree)


def test_the_parts_of_a_kernel_package_are_unpacked():
    """From 7.3 on linux-image-... is a package without files."""
    names = [
        *(
            "linux-base-7.3.4+deb13-amd64",
            "linux-binary-7.3.4+deb13-amd64",
            "linux-modules-7.3.4+deb13-amd64",
        ),
        "initramfs-tools",
    ]
    assert packages._useful("linux-image-7.3.4+deb13-amd64", names) == names[:3]
    assert packages._useful("linux-image-amd64", ["linux-image-6.1.0-57-amd64"]) == [
        "linux-image-6.1.0-57-amd64"
    ]


@pytest.mark.parametrize(
    ("folder", "said"), [("nothing", "no kernel with its modules is in"), ("two", "2 kernels are in")]
)
def test_a_folder_without_one_kernel_is_told(tmp_path, folder, said):
    for release in ("6.1", "6.12"):
        (tmp_path / "two/lib/modules" / release / "kernel").mkdir(parents=True)
        (tmp_path / "two/lib/modules" / release / "vmlinuz").touch()
    with pytest.raises(ImageError, match=rf"^dut\.kernel: {said} .*dpkg-deb -x"):
        kernel_of({"kernel": str(tmp_path / folder)})


def test_a_name_that_no_folder_can_have_is_told():
    with pytest.raises(ImageError, match=r"^dut\.kernel: File name too long: 9+; name a folder "):
        kernel_of({"kernel": "9" * 4000})
