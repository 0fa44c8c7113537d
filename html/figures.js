// SPDX-License-Identifier: MIT
// figures - the line of live figures under the picture, renewed once a second.
const SECONDS = 60; // of the sparklines

const text = (id, value) => {
	document.getElementById(id).textContent = value;
};

class Sparkline {
	#line;
	#values = [];

	constructor(id) {
		this.#line = document.querySelector(`#${id} polyline`);
	}

	// null leaves a gap at the bottom; top is the least value at full height.
	add(value, top) {
		this.#values = [...this.#values, value ?? 0].slice(-SECONDS);
		const highest = Math.max(top, ...this.#values);
		const first = SECONDS - this.#values.length;
		const point = (v, i) => `${first + i},${(19 - (18 * v) / highest).toFixed(1)}`;
		this.#line.setAttribute("points", this.#values.map(point).join(" "));
	}
}

function rateText(bytesPerSecond) {
	if (Number.isNaN(bytesPerSecond))
		return "–";
	return `${Math.round(bytesPerSecond / 1000).toLocaleString("en")} kB/s`;
}

export class Figures {
	#monitor;
	#player;
	#canvas;
	#painted = 0;
	#delays = [];
	#bytes = 0;
	#at = performance.now();
	#rates = [];
	#fps = new Sparkline("fps-spark");
	#delay = new Sparkline("delay-spark");

	constructor(player, monitor, canvas) {
		this.#player = player;
		this.#monitor = monitor;
		this.#canvas = canvas;
		setInterval(() => document.hidden || this.#renew(), 1000);
	}

	// A picture taken at timestamp (worker's clock, s) was painted just now.
	painted(timestamp) {
		this.#painted++;
		const delay = this.#monitor.since(timestamp);
		if (delay !== null)
			this.#delays.push(delay);
	}

	#renew() {
		const seconds = (performance.now() - this.#at) / 1000;
		const { bytes, status } = this.#player;
		const live = status.name === "live";
		const counts = Number.isNaN(bytes) ? null : this.#smooth(this.#painted / seconds);
		const delay = this.#delays.length ? this.#median() : null;
		text("fps", live && counts !== null ? `${counts.toFixed(1)} fps` : "–");
		text("delay", live && delay !== null ? `${Math.round(delay)} ms` : "–");
		text("rate", live ? rateText((bytes - this.#bytes) / seconds) : "–");
		text("viewers", this.#monitor.result?.stream.clients ?? "–");
		text("size", this.#size());
		this.#fps.add(live ? counts : 0, this.#monitor.result?.source.desired_fps ?? 30);
		this.#delay.add(live ? delay : 0, 100);
		this.#at = performance.now();
		this.#bytes = bytes;
		this.#painted = 0;
		this.#delays = [];
	}

	// Over three seconds: 30 pictures a second are 29 or 31 in a single one.
	#smooth(rate) {
		this.#rates = this.#player.status.name === "live" ? [...this.#rates, rate].slice(-3) : [];
		return this.#rates.reduce((sum, r) => sum + r, 0) / (this.#rates.length || 1);
	}

	#median() {
		return this.#delays.sort((a, b) => a - b)[this.#delays.length >> 1];
	}

	#size() {
		if (this.#player.shown)
			return `${this.#canvas.width} × ${this.#canvas.height}`;
		const size = this.#monitor.result?.source.resolution;
		return size ? `${size.width} × ${size.height}` : "–";
	}
}
