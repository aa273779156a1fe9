"""The code that receivers are given runs here on real messages of every format, where its language is there."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.organisation import Organisation
from tests.support.receiver import Received, Receiver
from tests.web import traffic
from workwire.access import sessions
from workwire.reactions.webhooks import commands, repair
from workwire.reactions.webhooks.commands import Terms
from workwire.reactions.webhooks.models import Format
from workwire.web.webhooks.verification import FOLDER, LANGUAGES
from workwire.worker.delivery.engine import Engine
from workwire.worker.delivery.transport import ThreadTransport

DOCS = Path(__file__).parents[3] / "docs" / "how-to" / "receive-webhooks.md"
SECONDS = 300
DRIVERS = {
    "verify.py.txt": (
        "python3",
        "main.py",
        "import base64, json, sys\nfrom verify import is_ours\nfor case in json.load(sys.stdin):\n"
        "    print(is_ours(*case[:4], base64.b64decode(case[4])))\n",
        ([sys.executable, "main.py"],),
    ),
    "verify.mjs": (
        "node",
        "main.mjs",
        'import { readFileSync } from "node:fs";\nimport { isOurs } from "./verify.mjs";\n'
        "for (const [secret, id, time, signatures, body] of JSON.parse(readFileSync(0, 'utf8')))\n"
        "  console.log(isOurs(secret, id, time, signatures, Buffer.from(body, 'base64')));\n",
        (["node", "main.mjs"],),
    ),
    "verify.go": (
        "go",
        "main.go",
        'package main\n\nimport (\n"encoding/base64"\n"encoding/json"\n"fmt"\n"os"\n)\n\nfunc main() {\n'
        "var cases [][5]string\njson.NewDecoder(os.Stdin).Decode(&cases)\nfor _, one := range cases {\n"
        "body, _ := base64.StdEncoding.DecodeString(one[4])\n"
        "fmt.Println(IsOurs(one[0], one[1], one[2], one[3], body))\n}\n}\n",
        (["go", "run", "main.go", "verify.go"],),
    ),
    "verify.java": (
        "javac",
        "Main.java",
        "public class Main {\npublic static void main(String[] args) throws Exception {\n"
        "var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));\nString line;\n"
        'while ((line = lines.readLine()) != null) {\nString[] one = line.split("\\t");\n'
        "System.out.println(Verify.isOurs(one[0], one[1], one[2], one[3], java.util.Base64.getDecoder().decode(one[4])));"
        "\n}\n}\n}\n",
        (["javac", "Main.java", "verify.java"], ["java", "-cp", ".", "Main"]),
    ),
    "verify.php": (
        "php",
        "main.php",
        '<?php\nrequire "verify.php";\nforeach (json_decode(file_get_contents("php://stdin")) as $one) {\n'
        'echo is_ours($one[0], $one[1], $one[2], $one[3], base64_decode($one[4])) ? "true" : "false", "\\n";\n}\n',
        (["php", "main.php"],),
    ),
    "verify.cs": (
        "dotnet",
        "Program.cs",
        "foreach (var one in System.Text.Json.JsonSerializer.Deserialize<string[][]>(System.Console.In.ReadToEnd())!)\n"
        "System.Console.WriteLine(Verify.IsOurs(one[0], one[1], one[2], one[3], System.Convert.FromBase64String(one[4])));\n",
        (["dotnet", "run"],),
    ),
}  # by the file of the code: the program it needs, a program around it, and how that runs
PROJECT = (
    '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework>'
    "</PropertyGroup></Project>"
)


def _messages(organisation: Organisation) -> list[tuple[str, Received]]:
    """A message of every format as it arrived, each with its secret."""
    owner = sessions.actor_for(organisation.accounts[traffic.WHO].user)
    sent = []
    with Receiver() as receiver:
        for form in Format.values:
            one, secret = commands.subscribe(Terms(webhook=1, url=receiver.url(f"/{form}"), format=form), by=owner)
            repair.simulate(one.guid, by=owner)
            sent.append((f"/{form}", secret))
        engine = Engine(ThreadTransport)
        try:
            engine.drain()
        finally:
            engine.close()
        arrived = {one.path: one for one in receiver.wait_for(len(sent))}
    return [(secret, arrived[path]) for path, secret in sent]


def _cases(organisation: Organisation) -> tuple[list[list[str]], list[bool]]:
    """What the code is asked, and what is right: whole messages, and each forged in one way."""
    cases: list[list[str]] = []
    for secret, message in _messages(organisation):
        headers = {name.lower(): value for name, value in message.headers}
        id_, at, signature = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        body = base64.b64encode(message.body).decode()
        cases += [
            [secret, id_, at, signature, body],
            [secret, id_, at, f"v1,bm90aGluZw== {signature}", body],
            [secret, id_, at, signature, base64.b64encode(message.body + b" ").decode()],
            [secret, id_ + "x", at, signature, body],
            [secret, id_, str(int(at) - 600), signature, body],
            [secret, id_, "now", signature, body],
            [secret, id_, at, "v1,bm90aGluZw==", body],
        ]
    return cases, [number % 7 < 2 for number in range(len(cases))]


@pytest.mark.parametrize(("language", "file"), LANGUAGES, ids=[str(language) for language, _file in LANGUAGES])
def test_the_code_takes_our_messages_and_no_others(
    language: str, file: str, organisation: Organisation, tmp_path: Path
) -> None:
    program, name, text, steps = DRIVERS[file]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed, so the code in {language} did not run")
    cases, right = _cases(organisation)
    shutil.copy(FOLDER / file, tmp_path / file.removesuffix(".txt"))
    (tmp_path / name).write_text(text)
    (tmp_path / "code.csproj").write_text(PROJECT)
    told = "\n".join("\t".join(case) for case in cases) if file == "verify.java" else json.dumps(cases)
    for step in steps:
        done = subprocess.run(step, cwd=tmp_path, input=told, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stderr
    assert [line.lower() == "true" for line in done.stdout.split()] == right


def test_the_documentation_shows_the_same_code() -> None:
    code = (FOLDER / "verify.py.txt").read_text().strip()
    shown = "\n".join(line.removeprefix("   ") for line in DOCS.read_text().splitlines())
    assert f"```python\n{code}\n```" in shown
