"""What the steps of a training say of themselves: fetched from the device, looked at, and written."""
