"""What codes say: every code that is raised has a sentence, every sentence is used, takes its parameters, is translated."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import messages
from workwire.kernel import wording
from workwire.kernel.errors import Conflict, DomainError, Invalid, Limited, not_found, refusal_of
from workwire.kernel.wording import PLACE, Statement, say, statement, wordings
from workwire.reactions.webhooks.models import Attempt
from workwire.reactions.webhooks.queries import detail_of
from workwire.worker.delivery.transport.failures import CODES, CONNECT_ERRNOS

SOURCE = Path(__file__).parents[2] / "src" / "workwire"
KINDS = frozenset(
    {"DomainError", "Invalid", "TooLarge", "NotFound", "Forbidden", "Unauthenticated", "Conflict", "Limited", "Away"}
    | {"Malformed", "UnsupportedBody", "FormBroken", "statement", "_invalid"}
)
NO_PARAMETERS = frozenset({"field", "retry_after"})
FORWARDED = {  # calls whose code comes from a table or from the caller; `held` below has what it may be
    ("checks/operation.py", "restores.REASONS[held]"),
    ("kernel/errors.py", "code"),
    ("kernel/errors.py", "said.code"),
    ("kernel/errors.py", "f'{what}_not_found'"),
    ("kernel/text.py", "_EMPTY.get(field, 'name_missing')"),
    ("access/guessing.py", "code"),
    ("access/sight.py", "'sight_account' if looked.holds else 'sight_account.retired'"),
    ("api/errors.py", "code"),
    ("reactions/notices/explaining.py", "_KINDS[kind]"),
    ("reactions/notices/explaining.py", "_TOLD[Kind(notice.kind)]"),
    ("reactions/notices/explaining.py", "_WHY[Reason(notice.reason)]"),
    ("reactions/webhooks/reconciling.py", "refusal"),
    ("reactions/webhooks/replays.py", "_REFUSED[before]"),
    ("reactions/webhooks/repair.py", "rights.HOLDS[code] if passed else code"),
    ("reactions/webhooks/repair.py", "'filter.passed' if matches else 'filter'"),
    ("rooms/batches/checking.py", "code"),
    ("rooms/commitments/rules.py", "code"),
    ("rooms/commitments/rules.py", "_MOVED[rule.adjust]"),
    ("rooms/files/commands/keeping.py", "code"),
    ("rooms/offering/commands/graph_form.py", "flaw.code"),
    ("rooms/offering/version_findings.py", "flaw.code"),
    ("rooms/offering/commands/saving.py", "_TAKEN[what]"),
    ("rooms/offering/queries.py", "_NOT_LIVE[VersionState(version.state)]"),
    ("rooms/work/commands/item_contacts.py", "code"),
    ("rooms/parties/queries.py", "'sight_contact.global' if looked.holds else 'sight_contact.of_company'"),
    ("rooms/work/policy.py", "code"),
    ("rooms/work/queries.py", "belongs if looked.holds else does_not"),
    ("rooms/work/commands/allocation.py", "SAID_OF[situation(item)]"),
    ("rooms/work/who_gets_it.py", "SAID_OF[facts.situation]"),
    ("rooms/work/who_gets_it.py", "code"),
    ("worker/account_mail.py", "code"),
    ("rooms/work/transitions.py", "_NOT_POSSIBLE[move]"),
}
SECRETS = re.compile(r"secret|password|token|header_value|private", re.IGNORECASE)
VALUES = st.one_of(
    st.text(max_size=400),
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(),
    st.lists(st.text(max_size=20), max_size=5),
    st.sampled_from(["{most}", "{", "}", "%s", "%(name)s", "%", "\u202eabc", "\ud800", "a\nb", "\x00", "x" * 5000]),
)


class Call(NamedTuple):
    """A call that makes a statement: where, its code as written, and the names of its parameters, None where they are
    handed on."""

    where: str
    code: ast.expr
    parameters: frozenset[str] | None


def _calls(path: Path) -> Iterator[Call]:
    where = str(path.relative_to(SOURCE))
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            names = {keyword.arg for keyword in node.keywords}
            if name in KINDS:
                given = None if None in names else frozenset(str(one) for one in names if one not in NO_PARAMETERS)
                yield Call(where, node.args[0], given)
            elif name == "require" and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
                yield Call(where, node.args[1], frozenset())


def _all_calls() -> list[Call]:
    return [call for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts for call in _calls(path)]


def _literals() -> frozenset[str]:
    """All texts in the sources outside of the modules that say what codes say."""
    return frozenset(
        node.value
        for path in SOURCE.rglob("*.py")
        if path.name != "sentences.py" and "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _not_found() -> set[str]:
    """The codes of records that are not there."""
    calls = (
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "not_found" and node.args
    )
    codes = {f"{call.args[0].value!s}_not_found" for call in calls if isinstance(call.args[0], ast.Constant)}
    return codes | {f"{kind}_not_found" for kind in ("work_item", "case", "ticket", "action")}


def test_every_code_that_is_raised_is_known_and_gets_the_parameters_of_its_sentence() -> None:
    calls = _all_calls()
    assert len(calls) > 300
    wrong = []
    for call in calls:
        if isinstance(call.code, ast.Constant):
            code = str(call.code.value)
            known = wordings().get(code)
            if known is None or (call.parameters is not None and call.parameters != known.parameters):
                wrong.append((call.where, code, call.parameters, known and known.parameters))
        elif (call.where, ast.unparse(call.code)) not in FORWARDED and not ast.unparse(call.code).startswith(
            "f'{code}_"
        ):
            wrong.append((call.where, ast.unparse(call.code), None, None))
    assert wrong == []
    assert {code for code in _not_found() if code not in wordings()} == set()


def test_every_sentence_is_used() -> None:
    held, absent = _literals(), _not_found()
    steps = {f"due_step.{done}{how}" for done in ("added", "taken_off") for how in STEPS}
    unused = {
        code
        for code, one in wordings().items()
        if one.kind != "words" and code not in held | absent | steps and not code.startswith("input.")
        if code.removeprefix("attempt.") not in held
    }
    assert unused == set()
    places = {
        manner or name.partition(".")[0] for one in wordings().values() for name, manner in PLACE.findall(one.english)
    }
    assert {code.partition(".")[0] for code, one in wordings().items() if one.kind == "words"} <= places


STEPS = ("", "_same_time", "_working", "_passing", "_passing_holidays")


def test_sentences_are_written_like_sentences() -> None:
    for code, one in wordings().items():
        if one.kind == "refusal" and code != "password_weak":
            assert one.english[0] in "'{" or one.english[0].isupper() or "_" in one.english.split()[0], code
            assert one.english.endswith("."), code
        assert "{" not in PLACE.sub("", one.english + one.many), code
        assert re.fullmatch(r"[a-z0-9_]+(\.[A-Za-z0-9_ ]+)?", code), code
        assert not one.counted or one.counted in one.parameters


@pytest.mark.parametrize("code", [code for code, one in wordings().items() if one.kind != "words"])
def test_every_sentence_takes_the_same_values_in_every_language(code: str) -> None:
    one = wordings()[code]
    for language in messages.LANGUAGES:
        with translation.override(language):
            said = one.text({}, "", language)
        assert {name for name, _ in PLACE.findall(said)} == {name for name, _ in PLACE.findall(one.many or one.english)}
        assert said != one.english or not re.search(r"[a-z]", PLACE.sub("", one.english)), language


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first text drawn waits for a table of characters
@given(
    parameters=st.dictionaries(st.sampled_from(["name", "most", "field", "value", "unit", "rule"]), VALUES),
    data=st.data(),
)
def test_a_sentence_can_always_be_made(parameters: dict[str, wording.Value], data: st.DataObject) -> None:
    code = data.draw(st.sampled_from([*sorted(wordings()), "unknown", ""]))
    said = statement(code, **parameters)
    for language in ("en", *messages.LANGUAGES, None):
        sentence = said.sentence(language)
        assert not re.search(r"[\x00-\x1f]", sentence)
        sentence.encode()
    json.dumps(said.as_json(), allow_nan=True).encode()
    assert all(len(value) <= 300 for value in said.parameters.values() if isinstance(value, str))


def test_values_are_not_read_as_places() -> None:
    said = statement("choice_unknown", name="{value}", value="{name} %(name)s %d")
    assert str(said) == "{value} has no value '{name} %(name)s %d'."
    assert said.sentence("de") == "{value} kennt den Wert „{name} %(name)s %d“ nicht."


def test_numbers_have_their_plural_and_their_grouping() -> None:
    one, many = (statement("too_many_subscriptions", most=most) for most in (1, 2))
    assert (str(one), str(many)) == (
        "An account has at most 1 subscription; end one first.",
        "An account has at most 2 subscriptions; end one first.",
    )
    assert one.sentence("de") == "Ein Konto hat höchstens 1 Abonnement; beenden Sie zuerst eines."
    rate = statement("rate_invalid", most=10000)
    assert "10,000" in str(rate)
    assert "10.000" in rate.sentence("de")


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (1, "1 second", "1 Sekunde"),
        (119, "119 seconds", "119 Sekunden"),
        (120, "2 minutes", "2 Minuten"),
        (7199, "119 minutes", "119 Minuten"),
        (7200, "2 hours", "2 Stunden"),
        (48 * 3600 - 1, "47 hours", "47 Stunden"),
        (90_000_000.5, "1,041 days", "1.041 Tagen"),
    ],
)
def test_a_length_of_time_is_said_in_the_unit_that_fits(seconds: float, english: str, german: str) -> None:
    said = statement("deliveries_late", seconds=seconds)
    assert str(said) == f"A delivery to an endpoint that is not failing has been due for {english}."
    assert f"seit {german} fällig" in said.sentence("de")


def test_words_among_the_parameters_are_translated() -> None:
    refused = Conflict("resolve_not_possible", kind="case", status="InProgress")
    assert str(refused) == "'resolve' is not possible: the case is InProgress."
    assert refused.sentence("de") == "„Lösen“ ist nicht möglich: der Fall ist im Zustand „in Arbeit“."
    weak = Invalid("password_weak", reasons=["password_too_short", "password_too_common", "of_tomorrow"])
    assert "This password is too common." in str(weak)
    step = statement("due_step.added_passing_holidays", amount=1, unit="working_days", idle=3, holidays=1, zone="UTC")
    assert str(step) == "Added 1 working day, passing over 3 days without work (1 day of holiday) (UTC)."
    assert (
        step.sentence("de")
        == "Hinzugezählt: 1 Arbeitstag; übersprungen: 3 Tage ohne Arbeit (davon Feiertage: 1 Tag) (UTC)."
    )


def test_a_variant_is_told_apart_and_the_code_stays() -> None:
    refused = Invalid("parent_invalid.company", field="parent")
    assert (refused.code, refused.full_code) == ("parent_invalid", "parent_invalid.company")
    moved = refused.as_a(Conflict, field="above")
    assert (moved.code, moved.field, str(moved)) == ("parent_invalid", "above", str(refused))
    assert refusal_of(Statement("title_blank"), Invalid, field="title").field == "title"
    assert str(not_found("work_item")) == "There is no such work item."
    assert Limited("ledger_busy", retry_after=5).retry_after == 5
    assert str(DomainError("never_said")) == "never_said"


def test_parameters_hold_no_secret() -> None:
    named = {(call.where, name) for call in _all_calls() for name in call.parameters or () if SECRETS.search(name)}
    assert named == set()


def test_why_an_attempt_failed_is_said_in_the_language_of_the_reader_also_from_rows_of_before() -> None:
    told = {"dns", "timeout", "cancelled", "too_late", "transport_lost", "secret_unreadable", "not_composed"}
    assert {
        error for error in {*CODES.values(), *CONNECT_ERRNOS.values(), *told} if f"attempt.{error}" not in wordings()
    } == set()
    failed = Attempt(error="tls", detail="No trusted TLS connection could be made. (certificate expired)")
    refused = Attempt(
        error="refused_address", detail="The destination is a loopback address; webhooks go to public ones."
    )
    with translation.override("de"):
        assert detail_of(failed) == "Es kam keine vertrauenswürdige TLS-Verbindung zustande. (certificate expired)"
        assert detail_of(refused) == refused.detail
    assert detail_of(failed) == failed.detail


def test_a_code_is_registered_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        wording.register("work", refusals={"title_blank": "The title is blank."})
    assert wordings()["title_blank"].english == "The title cannot be blank."


def test_the_present_language_is_that_of_the_reader() -> None:
    with translation.override("de"):
        assert say("title_blank", {}) == "Der Titel darf nicht leer sein."
        assert str(Invalid("title_blank")) == "The title cannot be blank."
