"""What the codes of the pages say."""

from workwire.kernel.wording import register

register(
    "web",
    refusals={
        "page_not_found": "There is no such page.",
        "token_missing": "Nobody is signed in.",
    },
)
