"""Where rows come from: the hub, local files, and what is built in; all read as streams."""
