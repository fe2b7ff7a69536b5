"""N12: the realm's configuration, and the plugins of libkrb5 and libgssapi_krb5."""

from __future__ import annotations

from scratchpack.needs.companion import Companion


class Krb5(Companion):
    """Keys and ticket caches are secrets: a keytab is never taken."""

    name = "krb5"
    summary = "Kerberos knows no realm without krb5.conf"
    library = ("libkrb5", "libgssapi", "libgssrpc", "libkadm5", "libk5crypto", "libkdb5", "libgss.")


NEED = Krb5()
