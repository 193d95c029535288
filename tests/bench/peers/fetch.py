#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The script that a user with Python would write: it fetches all pages into a file per job.
fetch.py URL KEY DIRECTORY"""

import http.client
import json
import sys
from urllib.parse import urlsplit


def main(url: str, key: str, directory: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    following = "/v2/pre-recorded?limit=100"
    while following:
        connection.request("GET", following, headers={"x-gladia-key": key})
        page = json.load(connection.getresponse())
        for job in page["items"]:
            with open(f"{directory}/{job['id']}.json", "w", encoding="utf-8") as file:
                json.dump(job, file, indent=2, ensure_ascii=False)
                file.write("\n")
        following = page["next"] and "?".join(urlsplit(page["next"])[2:4])


if __name__ == "__main__":
    main(*sys.argv[1:])
