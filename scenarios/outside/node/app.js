// A small Express service. Every GET /boom fails; that is the plan of express.toml.
"use strict";

const { Sentry, DEFECT } = require("./instrument");
const express = require("express");

const app = express();

app.get("/health", (_request, response) => {
  response.json({ ok: true });
});

app.get("/fine", (_request, response) => {
  response.json({ ok: true });
});

app.get("/boom", async (_request, _response) => {
  await new Promise((resolve) => setImmediate(resolve));
  throw new TypeError("boom: the order has no price");
});

// Errors reach the SDK here: after all routes, before any error handler of one's own.
if (DEFECT !== "no_error_handler") Sentry.setupExpressErrorHandler(app);

// Four arguments make it an error handler.
app.use((_error, _request, response, _next) => {
  response.status(500).json({ error: "internal" });
});

const server = app.listen(Number(process.env.PORT), "127.0.0.1");

async function shutDown() {
  server.close();
  // Sends what is queued, and the SDK's count of what it dropped; without this the last events are lost.
  if (DEFECT !== "exits_at_once") await Sentry.close(5000);
  process.exit(0);
}

process.on("SIGTERM", shutDown);
