// SPDX-License-Identifier: MIT
// player - keeps one stream running and says how it is: status.name is
//   connecting  no picture yet, and nothing wrong
//   live        pictures come
//   waiting     connected, but the camera has no picture: status.camera says why
//   stalled     pictures have ceased to come
//   retrying    no stream; tries again after a growing pause
//   released    the camera was switched off
//   paused, hidden   no stream is open, by hold()
// Each stream is aborted before the next is opened.
import { readStream } from "./stream.js";

const STALL_MS = 3000; // or five intervals between pictures, if those are longer
const FIRST_MS = 8000; // a slow camera has a placeholder after 3 s
const INTERVAL_MAX_MS = 20000;
const BACK_OFF_MS = 250;
const BACK_OFF_MAX_MS = 15000;

export class Player {
	#url;
	#painter;
	#holds = new Set();
	#abort = null; // of the stream that is open
	#timer = 0; // of the one that will be
	#attempt = 0;
	#deadline = Infinity; // for the next sign of life
	#newest = ""; // tells a picture from its repeat
	#paintedAt = 0;
	#interval = 0; // ms between pictures, as seen
	#expected = 0; // and as /state says
	#available = true; // /state had a place for us

	status = { name: "connecting", camera: "", reason: "" };
	bytes = 0; // received since the start
	onchange = () => {}; // (status)
	onpaint = () => {}; // (picture), each new one

	constructor(url, painter) {
		this.#url = url;
		this.#painter = painter;
		painter.onpaint = (picture) => this.#painted(picture);
		setInterval(() => this.#watch(), 200);
	}

	get shown() {
		return this.#painter.shown;
	}

	// Opens the stream without waiting any longer.
	retry() {
		clearTimeout(this.#timer);
		if (this.#holds.size === 0 && !this.#abort)
			this.#open();
	}

	// Closes the stream until resume() has been called for each reason.
	hold(reason) {
		this.#holds.add(reason);
		this.#close();
		this.#set(this.#holds.has("paused") ? "paused" : "hidden");
	}

	resume(reason) {
		if (!this.#holds.delete(reason) || this.#holds.size > 0)
			return;
		this.#attempt = 0;
		this.#newest = "";
		this.#set("connecting");
		this.#open();
	}

	// Takes each answer of /state, null if there was none. A pause, even one that
	// Retry-After asked for, ends when what was awaited is there.
	observe(result) {
		const available =
			Boolean(result) &&
			result.camera.state !== "released" &&
			result.stream.clients < result.stream.max_clients;
		if (available && !this.#available)
			this.retry();
		this.#available = available;
		const fps = Math.min(result?.source.desired_fps || 30, result?.source.captured_fps || 30);
		this.#expected = Math.min(1000 / fps, INTERVAL_MAX_MS);
	}

	#set(name, camera = "", reason = "") {
		const { status } = this;
		if (status.name === name && status.camera === camera && status.reason === reason)
			return;
		this.status = { name, camera, reason };
		this.onchange(this.status);
	}

	#expectWithin(ms) {
		this.#deadline = performance.now() + ms;
	}

	#close() {
		clearTimeout(this.#timer);
		this.#abort?.abort();
		this.#abort = null;
		this.#deadline = Infinity;
		this.#painter.cancel();
	}

	async #open() {
		const abort = new AbortController();
		const { signal } = abort;
		this.#abort = abort;
		this.#expectWithin(FIRST_MS);
		try {
			await readStream(this.#url, {
				signal,
				onopen: () => this.#expectWithin(FIRST_MS),
				onbytes: (count) => (this.bytes += count),
				onpart: (part) => this.#part(part, signal),
			});
		} catch (error) {
			if (!signal.aborted)
				this.#failed(error);
		}
	}

	#failed({ message, camera, retryAfter }) {
		this.#close();
		this.#set(camera === "released" ? "released" : "retrying", camera, message);
		// The worker itself refused us: /state will say when that is over.
		if (camera)
			this.#available = false;
		if (camera !== "released")
			this.#retryLater(retryAfter);
	}

	#retryLater(retryAfter) {
		const wait = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** this.#attempt++);
		const jitter = 0.75 + 0.5 * Math.random();
		this.#timer = setTimeout(() => this.#open(), Math.max(retryAfter, wait * jitter));
	}

	#part({ headers, body }, signal) {
		if (signal.aborted)
			return;
		const seq = headers.get("x-frame-seq");
		const timestamp = headers.get("x-timestamp");
		if (seq === undefined) {
			this.#placeholder(headers);
		} else if (`${seq} ${timestamp}` !== this.#newest) {
			this.#newest = `${seq} ${timestamp}`;
			const blob = new Blob([body], { type: "image/jpeg" });
			this.#painter.paint({ blob, seq, timestamp: Number(timestamp), signal });
		}
	}

	// Not painted: the last picture stays, and the page says why it is old.
	#placeholder(headers) {
		this.#expectWithin(STALL_MS);
		if (this.status.name === "waiting")
			this.#attempt = 0; // the second one: this connection lasts
		this.#painter.cancel();
		this.#set("waiting", headers.get("x-camera-state"), headers.get("x-camera-reason") ?? "");
	}

	#painted(picture) {
		const now = performance.now();
		const gap = Math.min(now - this.#paintedAt, INTERVAL_MAX_MS);
		if (this.status.name === "live")
			this.#interval += (gap - this.#interval) / 8;
		this.#paintedAt = now;
		this.#attempt = 0;
		this.#expectWithin(Math.max(STALL_MS, 5 * Math.max(this.#interval, this.#expected)));
		this.#set("live");
		this.onpaint(picture);
	}

	#watch() {
		if (performance.now() < this.#deadline)
			return;
		this.#close();
		if (["live", "waiting", "stalled"].includes(this.status.name))
			this.#set("stalled", "", "no new picture comes");
		else
			this.#set("retrying", "", "the server does not answer");
		this.#retryLater(0);
	}
}
