// SPDX-License-Identifier: MIT
// app - puts the page together and shows how the stream is.
import { Controls } from "./controls.js";
import { Figures } from "./figures.js";
import { Monitor } from "./monitor.js";
import { Painter } from "./painter.js";
import { Player } from "./player.js";
import { Toolbar } from "./toolbar.js";
import { describe } from "./words.js";

const $ = (id) => document.getElementById(id);

async function makePlayer() {
	if ("createImageBitmap" in window && "body" in Response.prototype)
		return new Player("video_feed", new Painter($("picture")));
	const { ImagePlayer } = await import("./fallback.js");
	const image = document.createElement("img");
	image.alt = "";
	image.id = "picture";
	$("picture").replaceWith(image);
	return new ImagePlayer("video_feed", image);
}

const monitor = new Monitor();
const player = await makePlayer();
const figures = new Figures(player, monitor);
const toolbar = new Toolbar(player, monitor);
const controls = new Controls();
let mayStart = true;
let cameraState = "";

// A screen reader reads each change aloud.
function write(id, text) {
	if ($(id).textContent !== text)
		$(id).textContent = text;
}

function show() {
	const { result } = monitor;
	const { status, shown } = player;
	const words = describe(status, { camera: result?.camera, mayStart, shown });
	const name = result?.instance_id || result?.camera.card || $("name").textContent;
	const live = status.name === "live";
	write("name", name);
	document.title = words.tone === "good" ? name : `${words.word} – ${name}`;
	write("word", words.word);
	write("detail", words.reason && ` – ${words.reason}`);
	write("title", words.title);
	write("reason", words.reason);
	write("since", words.since);
	$("pill").dataset.tone = words.tone;
	$("stage").dataset.status = status.name;
	$("stage").classList.toggle("empty", !shown);
	$("veil").hidden = live && !words.reason;
	$("picture").ariaLabel = `${live ? "Live" : "Last"} picture of ${name}`;
	toolbar.show({ status, result, mayStart });
	monitor.calm = live || status.name === "paused";
}

monitor.onresult = (result) => {
	player.observe(result);
	show();
	// Another camera, or one that has just come, has controls of its own.
	const state = result?.camera.state ?? "";
	if (state !== cameraState && state !== "" && state !== "starting")
		controls.refresh();
	cameraState = state || cameraState;
};

player.onchange = show;
player.onpaint = (picture) => figures.painted(picture.timestamp);

controls.onaccess = (allowed) => {
	mayStart = allowed;
	show();
};

function hide() {
	player.hold("hidden");
	monitor.stop();
}

function unhide() {
	if (document.hidden)
		return;
	player.resume("hidden");
	monitor.start();
}

document.addEventListener("visibilitychange", () => (document.hidden ? hide() : unhide()));
addEventListener("pagehide", hide);
addEventListener("pageshow", unhide);
addEventListener("online", () => player.retry());

for (const id of ["pill", "picture", "toolbar", "figures"])
	$(id).hidden = false;
$("controls").open = matchMedia("(min-width: 70rem)").matches;
// Until we know that we are seen, nothing is asked for.
player.hold("hidden");
unhide();
