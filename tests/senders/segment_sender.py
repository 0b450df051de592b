"""Makes every kind of call with Segment's own library. Prints what fails, and nothing else.

segment_sender.py HOST plain|gzip ORDER
"""

import json
import sys

from segment.analytics.client import Client

host, how, order = sys.argv[1:]
analytics = Client(
    "abc123",
    host=host,
    gzip=how == "gzip",
    upload_size=3,
    max_retries=0,
    on_error=lambda error, items: print(error),
)

USER = "019mr8mf4r"
analytics.identify(USER, {"email": "jake@example.com", "name": "Jake Peterson"})
analytics.track(USER, "Order Completed", json.loads(order))
analytics.track(
    anonymous_id="anonymous-1",
    event="Song Played",
    properties={"name": "Fallin for You"},
    context={"ip": "24.5.68.47", "userAgent": "Phone/1.0"},
)
analytics.page(USER, name="Home", properties={"url": "https://example.com/a"})
analytics.screen(USER, name="Settings")
analytics.group(USER, "g-1", {"plan": "pro"})
analytics.alias("old-id", USER)
analytics.shutdown()
