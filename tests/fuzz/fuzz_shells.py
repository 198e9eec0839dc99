"""Values that want to be code, set by `shells.set_line`, evaluated by the real shells, read back.

    python fuzz_shells.py SEED COUNT     (with the package to test on PYTHONPATH)

Shells that are not installed are left out. Prints the shortest value that does not come back.
"""
import atexit, os, random, shutil, subprocess, sys, tempfile
from pathlib import Path

from boot2docker_py.docker import shells
from boot2docker_py.errors import UsageError

random.seed(int(sys.argv[1]))
count = int(sys.argv[2])
folder = Path(tempfile.mkdtemp(prefix="fuzz-shells."))
atexit.register(shutil.rmtree, folder, ignore_errors=True)
mark = folder / "mark"
PIECES = ["$(touch %s)" % mark, "`touch %s`" % mark, "';touch %s;'" % mark, '";touch %s;"' % mark, "\\", "'", '"', "!", "!!",
          "$HOME", "${HOME}", "%PATH%", "~", "*", "?", "[a]", "{a,b}", " ", "  ", "\t", "\n", "\r", "\x01", "\x1b[0m", "\x7f",
          "#", ";", "&", "|", "<", ">", "(", ")", "^", "=", "-n", "\u2018", "\u2019", "\u00e9", "\U0001f600", "\udcff", "$'x'",
          "\\'", "\\n", "\\\\", "a", "/x", ":h", "!:0", "$", "@", "\u0085", "\u2028", "\xa0"]
EVALUATE = {
    "bash": ["bash", "--norc", "-c", 'eval "$(cat "$1")"; printenv X', "x"],
    "sh": ["dash", "-c", 'eval "$(cat "$1")"; printenv X', "x"],
    "zsh": ["zsh", "-f", "-c", 'eval "$(cat "$1")"; printenv X', "x"],
    "fish": ["fish", "--no-config", "-c", "cat $argv[1] | source; printenv X"],
    "tcsh": ["tcsh", "-f", "-c", 'eval "`cat \'%s\'`"; printenv X'],
}
bad = {}
for number in range(count):
    value = "".join(random.choice(PIECES) for _ in range(random.randint(1, 6)))
    for shell, words in EVALUATE.items():
        if not shutil.which(words[0]):
            continue
        try:
            line = shells.set_line(shell, "X", value) + "\n" + shells.unset_line(shell, "Y") + "\n"
        except UsageError:
            continue
        code = folder / "code"
        code.write_bytes(os.fsencode(line))
        command = [*words[:-1], words[-1] % code] if shell == "tcsh" else [*words, str(code)]
        answer = subprocess.run(command, capture_output=True, env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": random.choice(("C.UTF-8", "C"))}, stdin=subprocess.DEVNULL)
        got = answer.stdout[:-1]
        if got != os.fsencode(value) or mark.exists():
            was = bad.get(shell)
            found = (mark.exists(), value, got, answer.stderr[:100])
            if was is None or len(value) < len(was[1]):
                bad[shell] = found
            mark.unlink(missing_ok=True)
print(f"{count} values; " + ("all come back" if not bad else ""))
for shell, (ran, value, got, said) in bad.items():
    print(f"{shell}: {value!r} comes back as {got!r}{' AND CODE IN IT RAN' if ran else ''}; {said!r}")
