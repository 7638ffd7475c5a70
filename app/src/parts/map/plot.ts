// Points drawn by WebGL, in one call, when something changed. Plain WebGL: the page's rules (no code made at run time)
// leave no room for libraries that write their shaders' callers as they go.

import { type Room, type View, scaleOf } from "./space";

const VERTEX = `
attribute vec2 point;
attribute vec4 colour;
attribute float chosen;
uniform vec2 middle;
uniform vec2 scale;
uniform float size;
uniform float any;
varying vec4 shade;
void main() {
  gl_Position = vec4((point - middle) * scale, 0.0, 1.0);
  gl_PointSize = size + 2.0 * chosen;
  shade = vec4(colour.rgb, any > 0.5 && chosen < 0.5 ? 0.14 : 0.9);
}`;

const FRAGMENT = `
precision mediump float;
varying vec4 shade;
void main() {
  vec2 off = gl_PointCoord - 0.5;
  if (dot(off, off) > 0.25) discard;
  gl_FragColor = vec4(shade.rgb * shade.a, shade.a);
}`;

export class Plot {
  readonly gl: WebGLRenderingContext;
  #program: WebGLProgram;
  #buffers: Record<"point" | "colour" | "chosen", WebGLBuffer>;
  #places: Record<"middle" | "scale" | "size" | "any", WebGLUniformLocation | null>;
  #n = 0;
  #any = false;

  /** @throws Error: the browser has no WebGL. */
  constructor(readonly canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl", { antialias: false, premultipliedAlpha: true });
    if (!gl) throw new Error("This browser, or this machine, has no WebGL, which the map is drawn with.");
    this.gl = gl;
    this.#program = linked(gl);
    this.#buffers = { point: gl.createBuffer()!, colour: gl.createBuffer()!, chosen: gl.createBuffer()! };
    const place = (name: string) => gl.getUniformLocation(this.#program, name);
    this.#places = { middle: place("middle"), scale: place("scale"), size: place("size"), any: place("any") };
    gl.useProgram(this.#program);
    this.#attribute("point", 2, gl.FLOAT);
    this.#attribute("colour", 4, gl.UNSIGNED_BYTE);
    this.#attribute("chosen", 1, gl.UNSIGNED_BYTE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** Two coordinates a point, -1 to 1. */
  points(xy: Float32Array): void {
    this.#n = xy.length / 2;
    this.#fill("point", xy);
    this.colours(new Uint8Array(4 * this.#n).fill(128));
    this.chosen([]);
  }

  /** Red, green, blue and something that is not looked at, of each point. */
  colours(rgba: Uint8Array): void {
    this.#fill("colour", rgba);
  }

  chosen(rows: ArrayLike<number>): void {
    const flags = new Uint8Array(this.#n);
    for (let at = 0; at < rows.length; at++) flags[rows[at]!] = 255;
    this.#any = rows.length > 0;
    this.#fill("chosen", flags);
  }

  draw(view: View, room: Room): void {
    const { gl } = this;
    const ratio = Math.min(devicePixelRatio, 2);
    const [width, height] = [Math.round(room.width * ratio), Math.round(room.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.#n) return;
    const scale = scaleOf(view, room);
    gl.uniform2f(this.#places.middle, view.x, view.y);
    gl.uniform2f(this.#places.scale, (2 * scale) / room.width, (2 * scale) / room.height);
    gl.uniform1f(this.#places.size, ratio * sizeOf(this.#n, view.zoom));
    gl.uniform1f(this.#places.any, this.#any ? 1 : 0);
    gl.drawArrays(gl.POINTS, 0, this.#n);
  }

  destroy(): void {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  #attribute(name: "point" | "colour" | "chosen", size: number, type: number): void {
    const { gl } = this;
    const at = gl.getAttribLocation(this.#program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffers[name]);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, type !== gl.FLOAT, 0, 0);
  }

  #fill(name: "point" | "colour" | "chosen", data: Float32Array | Uint8Array): void {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.#buffers[name]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, data, this.gl.STATIC_DRAW);
  }
}

/** Few points are large, many are small, and all grow as one comes closer. */
function sizeOf(n: number, zoom: number): number {
  const base = n < 500 ? 9 : n < 5000 ? 6 : n < 50_000 ? 4 : 2.5;
  return Math.min(base * Math.max(1, zoom) ** 0.35, 14);
}

function linked(gl: WebGLRenderingContext): WebGLProgram {
  const program = gl.createProgram()!;
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(type)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`WebGL refuses the map: ${gl.getProgramInfoLog(program)}`);
  return program;
}
