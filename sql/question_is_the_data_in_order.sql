-- Is the data in order?
SELECT "check", status, detail FROM health_report();
