// SPDX-License-Identifier: MIT
// words - what the page says of a status.

// The pill's word, its tone, and the title over the picture.
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
	starting: ["Starting", "quiet", "The camera is starting"],
	"no-device": ["No camera", "bad", "No camera"],
	busy: ["In use", "warn", "The camera is in use"],
	denied: ["No access", "bad", "No access to the camera"],
	stalled: ["Stalled", "warn", "The camera gives no picture"],
	error: ["Camera error", "bad", "The camera has a problem"],
};

function sentence(text) {
	return text && text[0].toUpperCase() + text.slice(1);
}

function time(seconds) {
	const date = new Date(1000 * seconds);
	const today = date.toDateString() === new Date().toDateString();
	return today ? date.toLocaleTimeString() : date.toLocaleString();
}

function reasonOf({ name, reason }, camera, mayStart) {
	if (name === "paused")
		return "Resume or the space bar goes on.";
	if (name === "stalled" || name === "retrying")
		return `${sentence(reason)}. Trying again.`;
	if (name !== "released")
		return sentence(reason);
	const cure = mayStart ? "Start camera turns it on." : "It cannot be started from here.";
	return camera?.state === name ? `Since ${time(camera.since)}. ${cure}` : cure;
}

// status: the player's; camera: of /state, and shown: on the page, if any.
export function describe(status, { camera, mayStart, shown }) {
	const troubled = camera && CAMERA_WORDS[camera.state] && camera.state !== "starting";
	if (status.name === "live" && troubled && camera.driver === "pattern")
		return {
			word: "Test pattern", tone: "warn", title: "",
			reason: sentence(camera.reason), since: "",
		};
	// The worker knows better than we why nothing comes.
	if (status.name === "stalled" && troubled)
		status = { name: "waiting", camera: camera.state, reason: camera.reason };
	const { name } = status;
	const words = name === "waiting" ? CAMERA_WORDS[status.camera] : WORDS[name];
	const [word, tone, title] = words ?? ["No picture", "warn", "No picture"];
	const old = shown && name !== "live" && name !== "paused";
	return {
		word, tone, title,
		reason: reasonOf(status, camera, mayStart),
		since: old ? `Last picture: ${time(shown.timestamp)}` : "",
	};
}
