"""Settings -> Hub: the only place where a hub is put together from its parts."""

from .settings import Settings as Settings
from .settings import open_hub as open_hub
from .settings import open_store as open_store
from .settings import open_sync_hub as open_sync_hub
from .settings import reconfigure as reconfigure
