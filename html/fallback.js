// SPDX-License-Identifier: MIT
// fallback - a Player for browsers without createImageBitmap or streaming fetch.
//
// An <img> tells nothing of what it shows, so the status is what /state says.
export class ImagePlayer {
	#url;
	#image;
	#holds = new Set();
	#opens = -1; // how often the camera had been opened when the stream was

	status = { name: "connecting", camera: "", reason: "" };
	bytes = NaN;
	shown = null;
	onchange = () => {};
	onpaint = () => {};

	constructor(url, image) {
		this.#url = url;
		this.#image = image;
	}

	retry() {
		// The same address again would not connect again.
		if (this.#holds.size === 0)
			this.#image.src = `${this.#url}?${Date.now()}`;
	}

	hold(reason) {
		this.#holds.add(reason);
		this.#close();
		this.#set(this.#holds.has("paused") ? "paused" : "hidden");
	}

	resume(reason) {
		if (!this.#holds.delete(reason) || this.#holds.size > 0)
			return;
		this.#set("connecting");
		this.retry();
	}

	observe(result) {
		if (this.#holds.size > 0)
			return;
		const state = result?.camera.state;
		if (!result || state === "released") {
			this.#close();
			this.#set(result ? "released" : "retrying", state, "the server does not answer");
			return;
		}
		const { opens, reason } = result.camera;
		if (!this.#image.hasAttribute("src") || opens !== this.#opens || !result.stream.clients)
			this.retry();
		this.#opens = opens;
		const quiet = state === "idle" || state === "starting";
		this.#set(state === "live" ? state : quiet ? "connecting" : "waiting", state, reason);
	}

	#close() {
		this.#image.removeAttribute("src");
	}

	#set(name, camera = "", reason = "") {
		const { status } = this;
		this.status = { name, camera, reason };
		if (status.name !== name || status.camera !== camera || status.reason !== reason)
			this.onchange(this.status);
	}
}
