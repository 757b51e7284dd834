"""Names tokens that were put into the vault before it kept digests of their names.

Done once, by the first worker that starts; a notice about a token that has no digest yet is
unknown, and waits for ten minutes before it is set aside.
"""

from __future__ import annotations

from infrastructure.bootstrap import System

_BATCH = 500


def name_older_tokens(system: System) -> int:
    """Keep a digest of each token's name where there is none; of how many.

    What does not open (its customer was erased) stays without one. Raises: ViewMissing.
    """
    names, named, after = system.vault.names, 0, ""
    while found := names.unnamed(after, _BATCH):
        after = found[-1].token_ref
        tokens = system.vault.open_many([each.token_ref for each in found])
        ids = system.holders.ids_of(each.customer_id for each in found)
        digests = {
            ref: names.digest(ids.get(ref) or token.reveal()) for ref, token in tokens.items()
        }
        names.keep(digests)
        named += len(digests)
    return named
