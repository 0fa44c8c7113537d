// SPDX-License-Identifier: MIT
// painter - decodes pictures and paints them on a canvas, the newest one only.
//
// While one is decoded the next waits, and a newer one takes its place: a slow
// machine shows fewer pictures, never old ones.

export class Painter {
	#canvas;
	#context;
	#waiting = null;
	#busy = false;

	shown = null; // the picture on the canvas, as it was given
	onpaint = () => {}; // (picture), right after it was painted

	constructor(canvas) {
		this.#canvas = canvas;
		this.#context = canvas.getContext("2d", { alpha: false });
	}

	paint(picture) {
		this.#waiting = picture;
		if (!this.#busy)
			this.#work();
	}

	// Forgets what has not been painted yet.
	cancel() {
		this.#waiting = null;
	}

	async #work() {
		this.#busy = true;
		while (this.#waiting) {
			const picture = this.#waiting;
			this.#waiting = null;
			// What cannot be decoded is skipped, and is no sign of life.
			const bitmap = await createImageBitmap(picture.blob).catch(() => null);
			if (bitmap && !picture.signal.aborted)
				this.#draw(bitmap, picture);
			bitmap?.close();
		}
		this.#busy = false;
	}

	#draw(bitmap, picture) {
		const canvas = this.#canvas;
		if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
			canvas.width = bitmap.width;
			canvas.height = bitmap.height;
		}
		this.#context.drawImage(bitmap, 0, 0);
		this.shown = picture;
		this.onpaint(picture);
	}
}
