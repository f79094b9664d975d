"""Where each part of a statement is specified: one table for both versions.

1.0.3 is the ADL specification (adlnet/xAPI-Spec, Part Two); 2.0.0 is IEEE 9274.1.1.
"""

from domain.values.version import Version

_SECTIONS = {
    # part: (1.0.3 Data, 2.0.0)
    "format": ("2.2", "4.2.1"),
    "id": ("2.4.1", "4.2.2"),
    "actor": ("2.4.2", "4.2.2.1"),
    "agent": ("2.4.2.1", "4.2.2.1"),
    "group": ("2.4.2.2", "4.2.2.1"),
    "ifi": ("2.4.2.3", "4.2.2.1"),
    "account": ("2.4.2.4", "4.2.2.1"),
    "verb": ("2.4.3", "4.2.2.2"),
    "object": ("2.4.4", "4.2.2.3"),
    "activity": ("2.4.4.1", "4.2.2.3"),
    "interaction": ("2.4.4.1", "4.2.2.3"),
    "result": ("2.4.5", "4.2.2.4"),
    "score": ("2.4.5.1", "4.2.2.4"),
    "context": ("2.4.6", "4.2.2.5"),
    "contextActivities": ("2.4.6.2", "4.2.2.5"),
    "timestamp": ("2.4.7", "4.2.7"),
    "stored": ("2.4.8", "4.2.7"),
    "authority": ("2.4.9", "4.2.4.2"),
    "version": ("2.4.10", "4.2.4.3"),
    "attachments": ("2.4.11", "4.2.2.6"),
    "voiding": ("2.3.2", "4.2.5"),
    "signature": ("2.6", "4.2.6"),
    "extensions": ("4.1", "4.2.7"),
    "languageMap": ("4.2", "4.2.7"),
    "duration": ("4.6", "4.2.7"),
}

_BY_PROPERTY = {
    "mbox": "ifi",
    "mbox_sha1sum": "ifi",
    "openid": "ifi",
    "member": "group",
    "team": "group",
    "instructor": "context",
    "definition": "activity",
    "contextAgents": "context",
    "contextGroups": "context",
    "display": "languageMap",
    "registration": "context",
}


def section(version: Version, part: str) -> str:
    """Returns the section that specifies a part of a statement, as "1.0.3 Data 2.4.2"."""
    first, second = _SECTIONS[part]
    return f"2.0.0 {second}" if version is Version.V2_0_0 else f"1.0.3 Data {first}"


def section_of(version: Version, pointer: str) -> str:
    """Returns the section that specifies what stands at a JSON pointer: its closest known name."""
    if pointer == "/id":
        return section(version, "id")
    if "/extensions" in pointer:
        return section(version, "extensions")
    for name in reversed(pointer.split("/")):
        part = _BY_PROPERTY.get(name, name)
        if part in _SECTIONS and part != "id":
            return section(version, part)
    return section(version, "format")
