// SPDX-License-Identifier: MIT
// figures - the line of live figures under the picture, renewed once a second.
const $ = (id) => document.getElementById(id);
const SECONDS = 60; // of a sparkline
const NONE = "–";

class Sparkline {
	#line;
	#values = [];

	constructor(line) {
		this.#line = line;
	}

	// The greatest value is at full height, or top if that is more.
	add(value, top) {
		this.#values = [...this.#values, value].slice(-SECONDS);
		const highest = Math.max(top, ...this.#values);
		const first = SECONDS - this.#values.length;
		const points = this.#values.map((v, i) => `${first + i},${(19 - (18 * v) / highest).toFixed(1)}`);
		this.#line.setAttribute("points", points.join(" "));
	}
}

export class Figures {
	#player;
	#monitor;
	#painted = [0, 0, 0]; // in each of the last seconds, this one first
	#delays = [];
	#bytes = 0;
	#at = performance.now();
	#fps = new Sparkline($("fps-line"));
	#delay = new Sparkline($("delay-line"));

	constructor(player, monitor) {
		this.#player = player;
		this.#monitor = monitor;
		setInterval(() => this.#renew(), 1000);
	}

	// A picture taken at timestamp (worker's clock, s) was painted just now.
	painted(timestamp) {
		this.#painted[0]++;
		const delay = this.#monitor.since(timestamp);
		if (delay !== null)
			this.#delays.push(delay);
	}

	#renew() {
		const { bytes, status } = this.#player;
		const { result } = this.#monitor;
		const now = performance.now();
		const live = status.name === "live" && !Number.isNaN(bytes);
		const fps = live ? this.#painted.reduce((sum, n) => sum + n) / this.#painted.length : 0;
		const delay = this.#delays.sort((a, b) => a - b)[this.#delays.length >> 1];
		const rate = (bytes - this.#bytes) / (now - this.#at);
		$("fps").textContent = live ? `${fps.toFixed(1)} fps` : NONE;
		$("delay").textContent = live && delay ? `${Math.round(delay)} ms` : NONE;
		$("rate").textContent = live ? `${Math.round(rate).toLocaleString("en")} kB/s` : NONE;
		$("viewers").textContent = result?.stream.clients ?? NONE;
		$("size").textContent = this.#size(result);
		this.#fps.add(fps, result?.source.desired_fps ?? 1);
		this.#delay.add((live && delay) || 0, 100);
		this.#painted = [0, ...this.#painted].slice(0, 3);
		this.#delays = [];
		this.#bytes = bytes;
		this.#at = now;
	}

	#size(result) {
		const { width, height } = this.#player.shown ? $("picture") : result?.source.resolution ?? {};
		return width ? `${width} × ${height}` : NONE;
	}
}
