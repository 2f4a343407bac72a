"""`aihub config check`: every mistake with its line, or what is served where."""

GOOD = """
[providers.mine]
base_url = "http://127.0.0.1:9000/v1"
models = ["one", "two"]
[models.one]
deployments = [{ provider = "mine", id = "far", region = "us" }]
[routing]
default = "mock"
"""


def test_a_good_file_is_told_in_short(aihub, tmp_path, monkeypatch):
    """Without a path it is the one in the working folder; the exit code is 0."""
    (tmp_path / "aihub.toml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)

    done = aihub("config", "check")

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "aihub.toml is good: 1 provider, 2 models, 3 deployments",
        "  region local (home): 2",
        "  region us: 1",
        "  other models: served by mock",
    ]


def test_every_mistake_is_printed_and_ends_with_1(aihub, tmp_path):
    """On standard output, for other programs to read; how many there are is on standard error."""
    path = tmp_path / "other.toml"
    path.write_text("server.prot = 1\n\nhub.seed = 'x'\n[models.\"a\\u001bb\"]\n")

    done = aihub("config", "check", str(path))

    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        f"{path}:1: server.prot: is no key here: did you mean 'port'?",
        f"{path}:3: hub.seed: must be a whole number",
        (
            f'{path}:4: models."a\ufffdb": is no model that is known: '
            "describe it, at least by context_window"
        ),
    ]
    assert done.stderr == "3 mistakes.\n"


def test_no_file_is_a_mistake(aihub, tmp_path, monkeypatch):
    """It is said which one was looked for."""
    monkeypatch.chdir(tmp_path)

    done = aihub("config", "check")

    assert done.exit_code == 1
    assert "aihub.toml:1: the file aihub.toml cannot be read: No such file" in done.stdout
