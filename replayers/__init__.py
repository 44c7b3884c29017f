"""The arms of a comparison: the offline model, HTTP endpoints, the recorded log and a faulty stub."""
