// Starts the SDK. Has to be loaded before express: the SDK instruments what is required after it.
"use strict";

const Sentry = require("@sentry/node");

// Where a defect is planted, DEFECT names it; without, this is the set-up to copy.
const DEFECT = process.env.DEFECT || "";

function dropsAll(_event) {
  return null;
}

// Returns nothing: the SDK drops the event, and does not count it in its client reports.
function forgetsReturn(event) {
  event.tags = { ...event.tags, seen: "yes" };
}

// Throws: the SDK reports this error, with the same trace, in place of the one it was given.
function readsWhatIsNotThere(event) {
  event.user.email = "hidden";
  return event;
}

const options = {
  dsn: process.env.SENTRY_DSN,
  release: "express@1",
  // A burst larger than this is dropped (and counted in a client report).
  transportOptions: { bufferSize: 1000 },
};
if (DEFECT === "forgets_return") options.beforeSend = forgetsReturn;
if (DEFECT === "before_send_null") options.beforeSend = dropsAll;
if (DEFECT === "before_send_throws") options.beforeSend = readsWhatIsNotThere;
if (DEFECT === "sampled") options.sampleRate = 0;

Sentry.init(options);

module.exports = { Sentry, DEFECT };
