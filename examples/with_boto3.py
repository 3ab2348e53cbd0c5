"""Sends two orders from Python: python3 examples/with_boto3.py

Where the queue is: INTENTS_QUEUE_URL; how to reach it: AWS's own variables and profiles.
With --show it prints the messages instead of sending them, and needs no boto3.
"""

import json
import os
import secrets
import sys
from datetime import datetime, timedelta, timezone


def intent(account, life_seconds=60, **fields):
    """One intent. Amounts are text; an id of your own goes in as `id`."""
    now = datetime.now(timezone.utc)
    return {
        "id": secrets.token_hex(16),
        "account": account,
        **fields,
        "createdAt": instant(now),
        "expiresAt": instant(now + timedelta(seconds=life_seconds)),
    }


def instant(time):
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(index, intent):
    """The group is the account, the deduplication id is the intent's id: anything else is not executed."""
    return {
        "Id": str(index),
        "MessageBody": json.dumps(intent),
        "MessageGroupId": intent["account"],
        "MessageDeduplicationId": intent["id"],
    }


def send(queue_url, intents):
    """Sends by tens, and ends at the first batch of which SQS did not take all: the rest would come out of order."""
    import boto3

    sqs = boto3.client("sqs")
    for start in range(0, len(intents), 10):
        batch = [entry(index, one) for index, one in enumerate(intents[start : start + 10])]
        # Where this raises a timeout, sending the very same intents again within five minutes makes no second order.
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=batch)
        for sent in answer.get("Successful", []):
            print(intents[start + int(sent["Id"])]["id"], "sent")
        for failed in answer.get("Failed", []):
            print(intents[start + int(failed["Id"])]["id"], "failed", failed["Code"], failed.get("Message", ""))
        if answer.get("Failed"):
            return False
    return True


if __name__ == "__main__":
    order = {"action": "place", "market": "spot", "symbol": "BTC_USDT", "side": "buy"}
    orders = [
        intent("main", **order, type="market", notional="25"),
        intent("main", **order, type="limit", size="0.001", price="50000", life_seconds=30),
    ]
    if "--show" in sys.argv:
        print(json.dumps([entry(index, one) for index, one in enumerate(orders)], indent=2))
    else:
        sys.exit(0 if send(os.environ["INTENTS_QUEUE_URL"], orders) else 1)
