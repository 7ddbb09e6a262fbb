"""A chapter's answers to its own questions, each checked where it is given."""


def answer(question: str, choice: str, holds: bool) -> None:
    """State the right answer to a question, "prediction 1" or "check 2", in the words of its choices.

    ``holds`` says whether the numbers of this chapter give that answer; if not, the cell fails: after a change of one's
    own it may, and may be skipped.

    >>> answer("prediction 1", "worse", holds=97.1 < 97.4)
    prediction 1: worse
    """
    assert holds, (
        f"{question}: the numbers do not give the answer {choice!r}; this cell checks the book's own numbers, so "
        "if you have changed any, skip it"
    )
    print(f"{question}: {choice}")
