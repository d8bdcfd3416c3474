"""Set up all that the tests need and run them: `python3 tests/run.py`.

Nothing is needed beforehand but Python 3.10 to 3.13, and where DCMTK or Orthanc is missing apt-get with
root's rights (or sudo). All else goes into `build/`.

The steps: a virtual environment with the package in editable form and the tools; ruff; mypy; a second
environment with the package's wheel, in which the tests that need no real peer run from another folder;
the whole test suite from the checkout. A step that fails does not stop the next; the exit status is 1 if
any did.

Arguments are handed to pytest in the last step: `python3 tests/run.py -k sinks`.

This file itself runs on any Python 3 that may be called `python3`: it looks for the newest supported one.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
VERSIONS = ("3.13", "3.12", "3.11", "3.10")
#: Program to Debian package.
PEERS = {
    "dcmqrscp": "dcmtk",
    "wlmscpfs": "dcmtk",
    "findscu": "dcmtk",
    "Orthanc": "orthanc",
}
SYSTEM_PATH = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"
#: What runs from the wheel: tests that need no real peer, and the demo.
SMOKE = ("tests/unit", "tests/acceptance/test_demo.py")


class SetupError(Exception):
    """The machine lacks something that cannot be installed from here."""


def say(text):
    """Print a headline."""
    print(f"== {text}", flush=True)


def run(*command, **options):
    """Run a command without input; raise CalledProcessError if it fails."""
    words = [str(word) for word in command]
    print("$ " + " ".join(words), flush=True)
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, **options)


def answer(*command, **options):
    """Return what a command prints, or None if it cannot be run or fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **options,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode()


# --- what the machine has -----------------------------------------------------------------------------


def newest_python():
    """Return the version and path of the newest supported Python that works."""
    probe = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.executable)"
    found = {}
    for name in [*(f"python{version}" for version in VERSIONS), "python3", "python", sys.executable]:
        lines = (answer(name, "-c", probe) or "").splitlines()  # a name on the path may be a shim of nothing
        if len(lines) == 2:
            found.setdefault(lines[0], lines[1])
    for version in VERSIONS:
        if version in found:
            return version, found[version]
    raise SetupError("no Python 3.10 to 3.13 was found on the path")


def apt_install(*packages):
    """Install Debian packages; SetupError where that is not possible."""
    wanted = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise SetupError(f"there is no apt-get here; install these by hand: {wanted}")
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise SetupError(f"root's rights are needed for this: apt-get install {wanted}")
        apt = ["sudo", "-n", *apt]
    try:
        run(*apt, "update")
    except subprocess.CalledProcessError:
        say("apt-get update failed; going on with the lists that are there")
    try:
        run(*apt, "install", "-y", "--no-install-recommends", *packages, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError as error:
        raise SetupError(f"apt-get could not install {wanted}") from error


def install_peers():
    """Install the real peers that are missing."""
    missing = missing_peers()
    if missing:
        say("missing: " + ", ".join(missing))
        apt_install(*sorted({PEERS[program] for program in missing}))
        if missing_peers():
            raise SetupError("still missing after the installation: " + ", ".join(missing_peers()))


def missing_peers():
    """Return the programs that the tests need and the machine has not."""
    return [program for program in PEERS if shutil.which(program, path=SYSTEM_PATH) is None]


# --- environments -------------------------------------------------------------------------------------


def checkout_environment(version, python):
    """Return the Python of the environment with the checkout in editable form and all tools."""
    folder = BUILD / f"checkout-{version}"
    inside = folder / "bin" / "python"
    if answer(inside, "-m", "pip", "--version") is None:
        shutil.rmtree(folder, ignore_errors=True)
        make_environment(folder, version, python)
    pip(inside, "--upgrade", "pip>=25.1")  # the first one that knows dependency groups
    pip(inside, *groups("test", "lint"), "--editable", ROOT)
    return inside


def make_environment(folder, version, python):
    """Make a virtual environment, also where Python comes without ensurepip, which Debian packs apart."""
    if answer(python, "-c", "import ensurepip, venv") is None:
        try:
            tools = BUILD / f"virtualenv-{version}"
            pip(python, "--target", tools, "--upgrade", "virtualenv")
            run(python, "-m", "virtualenv", "-q", folder, env={**os.environ, "PYTHONPATH": str(tools)})
        except subprocess.CalledProcessError:
            apt_install(f"python{version}-venv")
        else:
            return
    run(python, "-m", "venv", folder)


def wheel_environment(version, checkout_python):
    """Return the Python of a fresh environment with the package's wheel and the test tools."""
    wheels = BUILD / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    run(checkout_python, "-m", "pip", "-q", "wheel", "--no-deps", "-w", wheels, ROOT)
    folder = BUILD / f"wheel-{version}"
    run(checkout_python, "-m", "venv", "--clear", "--without-pip", folder)
    inside = folder / "bin" / "python"
    run(
        checkout_python,
        "-m",
        "pip",
        "-q",
        "--python",
        inside,
        "install",
        *groups("test"),
        *wheels.glob("*.whl"),
    )
    return inside


def pip(python, *arguments):
    """Run `pip install`."""
    run(python, "-m", "pip", "-q", "--disable-pip-version-check", "--no-input", "install", *arguments)


def groups(*names):
    """Return pip's arguments for dependency groups of the project."""
    return [word for name in names for word in ("--group", f"{ROOT / 'pyproject.toml'}:{name}")]


# --- steps --------------------------------------------------------------------------------------------


def wheel_smoke(version, checkout_python):
    """Run a part of the suite against the installed wheel, where the checkout cannot be imported."""
    inside = wheel_environment(version, checkout_python)
    elsewhere = BUILD / "elsewhere"
    shutil.rmtree(elsewhere, ignore_errors=True)
    elsewhere.mkdir()
    for name in ("tests", "jobs", "schemas", "docs"):
        shutil.copytree(ROOT / name, elsewhere / name)
    for name in ("pyproject.toml", "README.md", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, elsewhere)
    place = answer(inside, "-c", "import runner; print(runner.__file__)", cwd=str(elsewhere))
    if inside.parent.parent not in Path(place or "").parents:
        raise SetupError(f"not the wheel is imported, but {place}")
    run(inside, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *SMOKE, cwd=str(elsewhere))


def main(arguments):
    """Run all steps and return the exit status."""
    started = time.monotonic()
    # The tests start thousands of short processes, each of which would compile the package anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    BUILD.mkdir(exist_ok=True)
    try:
        version, python = newest_python()
        say(f"set-up, Python {version}")
        install_peers()
        inside = checkout_environment(version, python)
    except (SetupError, subprocess.CalledProcessError) as error:
        print(f"tests/run.py: the set-up failed: {error}", file=sys.stderr)
        return 1
    steps = {
        "ruff": lambda: run(inside, "-m", "ruff", "check", cwd=str(ROOT)),
        "format": lambda: run(inside, "-m", "ruff", "format", "--check", cwd=str(ROOT)),
        "mypy": lambda: run(inside, "-m", "mypy", cwd=str(ROOT)),
        "wheel": lambda: wheel_smoke(version, inside),
        "tests": lambda: run(inside, "-m", "pytest", "-n", "2", *arguments, cwd=str(ROOT)),
    }
    failed = []
    for name, step in steps.items():
        say(name)
        try:
            step()
        except (SetupError, OSError, subprocess.CalledProcessError) as error:
            failed.append(name)
            print(f"tests/run.py: {name}: {error}", file=sys.stderr, flush=True)
    verdict = "failed: " + ", ".join(failed) if failed else "all passed"
    say(f"{verdict}; {time.monotonic() - started:.0f} s in all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
