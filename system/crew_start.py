"""What those who fold share: imported once, before the first of them is started."""

import gc

from system.office import know_everything

know_everything()
# Looking for garbage would write into what is shared, and each would get a copy of its own.
gc.collect()
gc.freeze()
