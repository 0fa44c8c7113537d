// SPDX-License-Identifier: MIT
// controls - the panel of the camera's own settings, built from GET /controls.
//
// What it shows is what the server answered last, never what was wished.
const $ = (id) => document.getElementById(id);
const SEND_EVERY_MS = 100;

// One control: its label, its fields and its reset.
class Row {
	element = document.createElement("div");
	#reset;
	#send;

	constructor(control, send) {
		const { id, label, type } = control;
		this.control = control;
		this.#send = (value) => send(id, Number(value));
		this.element.className = `row is-${type}`;
		if (type === "button") {
			this.#add("button", { type, textContent: label, onclick: () => this.#send(1) });
			return;
		}
		this.#add("label", { htmlFor: `c-${id}`, textContent: label });
		this.#reset = this.#add("button", { type: "button", className: "reset", textContent: "↺" });
		this.#reset.onclick = () => this.reset();
		this.#reset.ariaLabel = this.#reset.title = `Reset ${label}`;
		this.#build(control);
		this.element.querySelector("input, select").id = `c-${id}`;
	}

	#build({ type, label, min, max, step, menu }) {
		// A field that was emptied has no value to send: the old one comes back.
		const onchange = ({ target: { value } }) =>
			value === "" ? this.show(this.control) : this.#send(value);
		if (type === "bool") {
			this.#add("input", { type: "checkbox", onchange: (e) => this.#send(+e.target.checked) });
		} else if (menu?.length) {
			const options = menu.map((item) => new Option(item.label, item.value));
			this.#add("select", { onchange }).append(...options);
		} else {
			if (type === "int")
				this.#add("input", { type: "range", min, max, step, oninput: onchange });
			const number = this.#add("input", { type: "number", min, max, step: step || 1, onchange });
			number.ariaLabel = type === "int" ? `${label}, number` : null;
		}
	}

	#add(tag, properties) {
		const element = Object.assign(document.createElement(tag), properties);
		this.element.append(element);
		return element;
	}

	show(control) {
		const off = control.flags.some((flag) => flag === "inactive" || flag === "read_only");
		this.control = control;
		for (const field of this.element.querySelectorAll("input, select, button:not(.reset)")) {
			field.disabled = off;
			if (field.type === "checkbox")
				field.checked = control.value;
			else if (field.type !== "button")
				field.value = control.value;
		}
		if (this.#reset)
			this.#reset.disabled = off || control.value === control.default;
	}

	reset() {
		if (this.#reset && !this.#reset.disabled)
			this.#send(this.control.default);
	}
}

export class Controls {
	#rows = new Map();
	#wished = new Map(); // id -> value, not sent yet
	#sending = false;
	#credentials = "omit";

	onaccess = () => {}; // (whether we may control the camera)

	constructor() {
		$("reset").onclick = () => this.#rows.forEach((row) => row.reset());
		$("controls").ontoggle = () => $("controls").open && this.refresh();
		$("login").onclick = () => this.#login();
	}

	// Asks what there is. The browser shall ask nobody for a password who only
	// watches, so none is sent until login() was called, or if all is behind one.
	async refresh() {
		const ask = (route, credentials) => fetch(route, { credentials }).catch(() => ({}));
		let answer = await ask("controls", this.#credentials);
		if (answer.status === 401 && (await ask("state", "omit")).status === 401)
			answer = await ask("controls", "include");
		$("login").hidden = answer.status !== 401;
		this.onaccess(answer.status !== 401 && answer.status !== 403);
		this.#show(answer.ok ? await answer.json() : []);
	}

	#login() {
		this.#credentials = "include";
		this.refresh();
	}

	#show(list) {
		if (list.map(({ id }) => id).join() !== [...this.#rows.keys()].join())
			this.#rebuild(list);
		for (const control of list) {
			if (!this.#wished.has(control.id))
				this.#rows.get(control.id).show(control);
		}
		$("controls").hidden = list.length === 0;
	}

	#rebuild(list) {
		const send = (id, value) => this.#send(id, value);
		this.#rows = new Map(list.map((control) => [control.id, new Row(control, send)]));
		$("fields").replaceChildren(...[...this.#rows.values()].map((row) => row.element));
	}

	// A dragged slider wishes more often than we send: the newest wish counts.
	async #send(id, value) {
		this.#wished.set(id, value);
		if (this.#sending)
			return;
		this.#sending = true;
		await null; // what is wished in the same turn goes together
		while (this.#wished.size) {
			const rest = new Promise((resolve) => setTimeout(resolve, SEND_EVERY_MS));
			await this.#post(new URLSearchParams([...this.#wished]));
			await rest;
		}
		this.#sending = false;
	}

	async #post(body) {
		this.#wished.clear();
		const answer = await fetch("controls", { method: "POST", body }).catch(() => null);
		const why = answer?.ok ? "" : await answer?.text();
		$("refused").textContent = why ?? "The server does not answer.";
		if (answer?.ok)
			this.#show(await answer.json());
		else
			this.refresh();
	}
}
