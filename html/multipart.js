// SPDX-License-Identifier: MIT
// multipart - cuts multipart/x-mixed-replace into parts, as it comes. Pure.
//
// Every part must have a Content-Length: pictures are copied once and never
// searched. What breaks the format throws an Error; the parser is useless then.

const LINE_MAX = 4096; // bytes; the worker's have under 128
const PART_MAX = 64 << 20; // bytes of a picture

// The boundary that a Content-Type names, or null.
export function boundaryOf(contentType) {
	const found = /^multipart\/[^;]+;.*?boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? "");
	return found && (found[1] ?? found[2]);
}

export class MultipartParser {
	#boundary;
	#onpart;
	#line = "";
	#headers = null; // while header lines are read
	#part = null; // while a body is filled
	#filled = 0;
	#started = false;

	ended = false; // the closing boundary was seen; what follows is ignored

	// onpart({ headers, body }): headers a Map with names in lower case, body a
	// Uint8Array that belongs to the receiver.
	constructor(boundary, onpart) {
		this.#boundary = `--${boundary}`;
		this.#onpart = onpart;
	}

	// Takes the next bytes, cut anywhere.
	push(bytes) {
		let at = 0;
		while (at < bytes.length && !this.ended)
			at = this.#part ? this.#fill(bytes, at) : this.#collect(bytes, at);
	}

	#fill(bytes, at) {
		const { body } = this.#part;
		const piece = bytes.subarray(at, at + body.length - this.#filled);
		body.set(piece, this.#filled);
		this.#filled += piece.length;
		if (this.#filled === body.length) {
			const part = this.#part;
			this.#part = null;
			this.#onpart(part);
		}
		return at + piece.length;
	}

	#collect(bytes, at) {
		const newline = bytes.indexOf(10, at);
		const end = newline < 0 ? bytes.length : newline;
		if (this.#line.length + end - at > LINE_MAX)
			throw new Error("a header line without end");
		this.#line += String.fromCharCode(...bytes.subarray(at, end));
		if (newline < 0)
			return end;
		const line = this.#line.replace(/\r$/, "");
		this.#line = "";
		if (this.#headers)
			this.#header(line);
		else
			this.#delimiter(line);
		return newline + 1;
	}

	#delimiter(line) {
		if (line === this.#boundary)
			this.#headers = new Map();
		else if (line === `${this.#boundary}--`)
			this.ended = true;
		else if (line !== "" || !this.#started)
			throw new Error("a boundary was due");
		this.#started = true;
	}

	#header(line) {
		if (line === "") {
			this.#begin();
			return;
		}
		const colon = line.indexOf(":");
		if (colon < 1)
			throw new Error("a header line without a colon");
		this.#headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
	}

	#begin() {
		const text = this.#headers.get("content-length") ?? "";
		const length = Number(text);
		if (!/^\d+$/.test(text) || length === 0 || length > PART_MAX)
			throw new Error("a part without a Content-Length");
		this.#part = { headers: this.#headers, body: new Uint8Array(length) };
		this.#filled = 0;
		this.#headers = null;
	}
}
