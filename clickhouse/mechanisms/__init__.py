"""How noise is drawn and what it costs. Each module carries its privacy argument beside its code.

The primitives are those of OpenDP that have proofs; its "contrib" label is switched on here, its
"honest-but-curious" features never.
"""

import opendp.prelude as dp

dp.enable_features("contrib")
