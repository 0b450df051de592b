// A web site for one test: pages with the tracking script as its users paste it, and what they push.

import http from "node:http";

export class Site {
    port;

    /**
     * Opens one and closes it after the test. `pages`: path → what is in the page; `tag` is the script
     * tag that the site owner pastes.
     */
    static async open(test, pages) {
        const site = new Site();
        const server = http.createServer((request, response) => {
            const content = pages[new URL(request.url, "http://x").pathname];
            response.writeHead(content === undefined ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
            response.end(`<!doctype html><html lang="en"><title>Shop</title>${content ?? ""}</html>`);
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        test.after(() => {
            server.closeAllConnections();
            server.close();
        });
        site.port = server.address().port;
        return site;
    }

    /** A page's address under one of the site's names, all of which are this machine. */
    at(path, host = "www.shop.localhost") {
        return `http://${host}:${this.port}${path}`;
    }
}
