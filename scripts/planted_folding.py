"""Faults to plant in how states are copied and facts are folded; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

COPYING, CALENDAR = "domain/copying.py", "domain/calendar.py"
CREDITING, BACKING = "domain/subscription/crediting.py", "domain/subscription/backing.py"

FAULTS = (
    Fault(
        "folding a fact changes the state that it was folded into",
        COPYING,
        "        copy: Any = object.__new__(cls)\n        copy.__dict__.update(value.__dict__, ",
        "        copy: Any = value\n        copy.__dict__.update(",
    ),
    Fault(
        "a misspelt field is put beside the state's own",
        COPYING,
        "        if not changes.keys() <= known:\n",
        "        if not changes:\n",
    ),
    Fault(
        "a state comes out with its changes only",
        COPYING,
        "        copy.__dict__.update(value.__dict__, **changes)\n",
        "        copy.__dict__.update(**changes)\n",
    ),
    Fault(
        "the changes of a small value are lost",
        COPYING,
        "        for name, field in changes.items():\n",
        "        for name, field in ():\n",
    ),
    Fault(
        "a credit pays no invoice",
        CREDITING,
        "    if not state.credits:\n",
        "    if state.credits:\n",
    ),
    Fault(
        "who paid the last instalment by the backup is asked for a new token",
        BACKING,
        "    after = evolve_all(state, facts)\n",
        "    after = state\n",
    ),
    Fault(
        "customers of the 29th and 30th cannot be billed in February",
        CALENDAR,
        "_SHORTEST_MONTH = 28\n",
        "_SHORTEST_MONTH = 30\n",
    ),
)
