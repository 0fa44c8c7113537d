// SPDX-License-Identifier: MIT
// words - what the page says of a status: the pill's word and tone, and what
// stands over the picture.
const WORDS = {
	connecting: ["Connecting", "quiet", "Connecting…"],
	live: ["Live", "good", ""],
	stalled: ["Stalled", "warn", "The picture stands still"],
	retrying: ["Reconnecting", "warn", "Not connected"],
	released: ["Off", "quiet", "The camera is off"],
	paused: ["Paused", "quiet", "Paused"],
	hidden: ["Hidden", "quiet", ""],
};
const CAMERA_WORDS = {
	"no-device": ["No camera", "bad", "No camera"],
	starting: ["Starting", "quiet", "The camera is starting"],
	busy: ["In use", "warn", "The camera is in use"],
	denied: ["No access", "bad", "No access to the camera"],
	stalled: ["Stalled", "warn", "The camera gives no pictures"],
	error: ["Camera error", "bad", "The camera has a problem"],
};
const CURES = {
	stalled: "Trying again by itself.",
	retrying: "Trying again by itself.",
	paused: "Press Resume, or the space bar.",
};

const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function sentence(text) {
	const trimmed = (text ?? "").trim();
	if (!trimmed)
		return "";
	return trimmed[0].toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? "" : ".");
}

function offSince(camera, mayStart) {
	const since = camera?.since ? new Date(1000 * camera.since) : null;
	const today = since?.toDateString() === new Date().toDateString();
	const when = since && (today ? clock(since) : since.toLocaleString());
	const cure = mayStart ? "Start camera turns it on again." : "It cannot be started from here.";
	return `${when ? `Switched off at ${when}. ` : ""}${cure}`;
}

// status: the player's. camera: of /state or null. shown: the picture on the
// page or null. Returns { word, tone, title, reason, since }.
export function describe(status, { camera, mayStart, shown }) {
	const { name } = status;
	const known = name === "waiting" ? CAMERA_WORDS[status.camera] : WORDS[name];
	const [word, tone, title] = known ?? ["No picture", "warn", "No picture"];
	let reason = [sentence(status.reason), CURES[name]].filter(Boolean).join(" ");
	if (name === "released")
		reason = offSince(camera, mayStart);
	const old = shown && name !== "connecting" && name !== "paused";
	const since = old ? `Last picture: ${clock(new Date(1000 * shown.timestamp))}` : "";
	if (name === "live" && camera?.driver === "pattern" && camera.state === "no-device")
		return { word: "Test pattern", tone: "warn", title, reason: sentence(camera.reason), since: "" };
	return { word, tone, title, reason, since };
}
