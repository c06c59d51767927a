"""The query API: settlement and usage at the grain that is asked for, computed when it is asked, complete or refused."""
