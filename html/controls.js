// SPDX-License-Identifier: MIT
// controls - the panel of the camera's own settings, built from GET /controls.
//
// What it shows is always what the server answered last, never what was wished.
const SEND_EVERY_MS = 100;

function make(tag, properties = {}, children = []) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

// One control: a row of fields that all say the same.
class Row {
	#fields = [];
	#reset;
	control;

	constructor(control, send) {
		this.control = control;
		this.element = make("div", { className: `row ${control.type}` });
		this.#reset = make("button", {
			type: "button",
			className: "reset",
			textContent: "↺",
			title: `Reset ${control.label}`,
			onclick: () => send(this.control.id, this.control.default),
		});
		this.#reset.setAttribute("aria-label", `Reset ${control.label}`);
		this.#build(send);
		this.show(control);
	}

	#build(send) {
		const { id, label, type } = this.control;
		if (type === "button") {
			this.#add("button", { type, textContent: label, onclick: () => send(id, 1) });
			return;
		}
		this.element.append(make("label", { htmlFor: `c-${id}`, textContent: label }), this.#reset);
		const change = (event) => send(id, Number(event.target.value));
		if (type === "bool")
			this.#add("input", { type: "checkbox", onchange: (e) => send(id, Number(e.target.checked)) });
		else if (type === "menu" || type === "intmenu")
			this.#add("select", { onchange: change }, this.#options());
		else
			this.#numbers(type === "int", change);
		this.#fields[0].id = `c-${id}`;
	}

	#options() {
		return this.control.menu.map(({ value, label }) => make("option", { value, textContent: label }));
	}

	#numbers(slides, change) {
		const { min, max, step, label } = this.control;
		if (slides)
			this.#add("input", { type: "range", min, max, step, oninput: change });
		const number = this.#add("input", { type: "number", min, max, step, onchange: change });
		if (slides)
			number.setAttribute("aria-label", `${label}, as a number`);
	}

	#add(...what) {
		const field = make(...what);
		this.#fields.push(field);
		this.element.append(field);
		return field;
	}

	show(control) {
		this.control = control;
		const off = control.flags.includes("inactive") || control.flags.includes("read_only");
		for (const field of this.#fields) {
			field.disabled = off;
			if (control.type === "bool")
				field.checked = Boolean(control.value);
			else if (control.type !== "button")
				field.value = control.value;
		}
		this.#reset.disabled = off || control.value === control.default;
	}

	get resets() {
		return !this.#reset.disabled && this.control.type !== "button";
	}
}

export class Controls {
	#rows = new Map();
	#wished = new Map(); // id -> value, not sent yet
	#sending = false;
	#panel;
	#fields;
	#refused;

	// Called when it is known whether this viewer may control the camera; login:
	// whether a password would help.
	onaccess = () => {};

	constructor(panel, fields, refused, reset) {
		this.#panel = panel;
		this.#fields = fields;
		this.#refused = refused;
		fields.onsubmit = (event) => event.preventDefault();
		reset.onclick = () => this.#resetAll();
		panel.ontoggle = () => panel.open && this.refresh();
	}

	// Asks what there is. Without prompt, the browser shall not ask for a
	// password: most who watch have none.
	async refresh({ prompt = false } = {}) {
		const answer = await fetch("controls", prompt ? {} : { window: null }).catch(() => null);
		if (!answer)
			return;
		const refused = answer.status === 401 || answer.status === 403;
		this.onaccess({ allowed: !refused, login: answer.status === 401 });
		this.#show(answer.ok ? await answer.json() : []);
	}

	#show(list) {
		const ids = list.map((control) => control.id).join();
		if (ids !== [...this.#rows.keys()].join())
			this.#rebuild(list);
		for (const control of list) {
			if (!this.#wished.has(control.id))
				this.#rows.get(control.id).show(control);
		}
		this.#panel.hidden = list.length === 0;
	}

	#rebuild(list) {
		const send = (id, value) => this.#send(id, value);
		this.#rows = new Map(list.map((control) => [control.id, new Row(control, send)]));
		this.#fields.replaceChildren(...[...this.#rows.values()].map((row) => row.element));
	}

	#resetAll() {
		for (const [id, row] of this.#rows) {
			if (row.resets)
				this.#send(id, row.control.default);
		}
	}

	// A dragged slider wishes more often than we send: the newest wish counts.
	async #send(id, value) {
		this.#wished.set(id, value);
		if (this.#sending)
			return;
		this.#sending = true;
		await null; // what is wished in the same turn goes together
		while (this.#wished.size > 0) {
			const rest = new Promise((resolve) => setTimeout(resolve, SEND_EVERY_MS));
			await this.#post();
			await rest;
		}
		this.#sending = false;
	}

	async #post() {
		const body = new URLSearchParams([...this.#wished]);
		this.#wished.clear();
		const answer = await fetch("controls", { method: "POST", body }).catch(() => null);
		this.#refused.hidden = Boolean(answer?.ok);
		if (answer?.ok) {
			this.#show(await answer.json());
			return;
		}
		this.#refused.textContent = answer ? await answer.text() : "The server does not answer.";
		this.refresh();
	}
}
