"""The report as one page that needs nothing else: `REPORT.html`, and what it says as `report.json`."""
