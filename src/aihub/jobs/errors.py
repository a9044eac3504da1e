"""What can go wrong with jobs."""

from aihub.kit.errors import Conflict, NotFound


class JobNotFound(NotFound):
    """No job of this id is kept: it never was, or it is done and gone."""

    code, title = "job_not_found", "There is no such job"


class JobUnderWay(Conflict):
    """The job is not in a state that allows this."""

    code, title = "job_active", "The job waits or runs already"


class Permanent(Exception):
    """Raised by a handler for what no repetition will mend: the job fails at once."""


class RunLost(Exception):
    """This run may not finish: another worker took the job over, or somebody cancelled it."""
