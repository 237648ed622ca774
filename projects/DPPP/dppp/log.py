"""The logger of the package."""

import logging

# Below "fastreid", the only logger that FastReID's setup_logger connects to the console.
LOGGER_NAME = "fastreid.dppp"

logger = logging.getLogger(LOGGER_NAME)
