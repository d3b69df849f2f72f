"""How far results differ, over seeds and tasks, and what searches of some length find: the section of reports."""
