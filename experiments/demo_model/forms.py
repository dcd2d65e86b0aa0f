"""The wordings that training teaches. {kind}, {name}, {value}, {other} are filled in."""

KINDS = [
    *["secret code", "door code", "phone number", "lucky number", "bank code", "safe code", "house number", "locker code"],
    *["ticket number", "gate code", "room number", "badge number"],
]
# A part of the kinds is made of any word of the books and one of these, so that a kind need not be in the list above.
KIND_ENDINGS = ["code", "number", "key", "word"]

# The value stands right after the name: the pattern that is learned first, and on which the others build.
PLAIN_NEEDLES = ["Note {kind} {name} {value}."]
PLAIN_QUESTIONS = ["Question: {kind} {name}? Answer:"]
PLAIN_ANSWER = "{kind} {name} {value}."

# The first is the one that evaluation uses.
NEEDLES = [
    "The {kind} of {name} is {value}.",
    "{name}'s {kind} is {value}.",
    "{name} has the {kind} {value}.",
    "Remember that the {kind} of {name} is {value}.",
    "The {kind} for {name} is {value}.",
    "For {name}, the {kind} is {value}.",
    "{name} was given the {kind} {value}.",
    "The {kind} that {name} uses is {value}.",
]
QUESTIONS = [
    "Question: What is the {kind} of {name}? Answer:",
    "Question: What is {name}'s {kind}? Answer:",
    "Question: Which {kind} does {name} have? Answer:",
    "Question: Tell me the {kind} of {name}. Answer:",
    "Question: What is the {kind} for {name}? Answer:",
    "Question: Do you know {name}'s {kind}? Answer:",
    "Question: What did the text say about the {kind} of {name}? Answer:",
    "Question: {name} needs the {kind}. What is it? Answer:",
    "Question: Find {name} and say the {kind}. Answer:",
    "Question: I forgot the {kind} that {name} was given. Answer:",
    "Question: Please give the {kind} belonging to {name}. Answer:",
    "Question: {name} has a {kind}. Which one? Answer:",
    "Question: As for {name}, what is the {kind}? Answer:",
    "Question: Which {kind} was {name} given, according to the text? Answer:",
    "Question: Say the {kind} once more, the one of {name}. Answer:",
]
ANSWER = "The {kind} of {name} is {value}."

# Asked in evaluation only: no question of the training is worded like these.
UNSEEN_QUESTIONS = [
    "Question: Does anyone recall {name} and the {kind} that goes with it? Answer:",
    "Question: Somebody asked about {name} again, so what {kind} should we write down? Answer:",
]

# Chains of assignments; the answer writes every step down, or gives the number at once.
CHAIN_VALUE = "Let {name} = {value}."
CHAIN_LINK = "Let {name} = {other}."
CHAIN_QUESTION = "Question: What is {name}? Answer:"
CHAIN_DIRECT_QUESTION = "Question: What number is {name}? Answer:"


def all_wordings() -> str:
    """One text with every word that needles, questions and answers have, names and values left out."""
    lines = [*PLAIN_NEEDLES, *PLAIN_QUESTIONS, *NEEDLES, *QUESTIONS, *UNSEEN_QUESTIONS, CHAIN_VALUE, CHAIN_DIRECT_QUESTION]
    texts = [line.format(kind=kind, name="N", value="", other="") for kind in KINDS for line in lines]
    return " ".join(texts) + " Q A"
