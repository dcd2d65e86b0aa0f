/** Pairs under comparison: a value that holds itself is equal to one that holds itself at the same place. */
type Seen = Map<object, object>;

const typedArray = Object.getPrototypeOf(Uint8Array) as new () => ArrayLike<unknown>;

/** Classes whose text says all there is to compare. */
const comparedAsText = new Set<object>(
  [RegExp, URL, URLSearchParams, Intl.Locale].map((kind) => kind.prototype),
);

/**
 * Deep equality by the rules of std assert, which are not those of node:assert: 0 equals -0, NaN equals NaN, a property
 * that is undefined differs from one that is missing, an object without prototype equals a plain one, instances of
 * different classes differ, and dates compare by time alone.
 *
 * @throws {TypeError} if both values are WeakMaps or WeakSets, which can't be compared.
 */
export function equal(a: unknown, b: unknown): boolean {
  return sameDeep(a, b, new Map());
}

function sameDeep(a: unknown, b: unknown, seen: Seen): boolean {
  if (sameValue(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  const prototype = prototypeOf(a);
  if (prototype !== prototypeOf(b)) return false;
  if (a instanceof typedArray) return sameElements(a, b as ArrayLike<unknown>);
  if (isBuffer(a)) return sameElements(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a instanceof WeakMap ? "WeakMap" : "WeakSet"} instances`);
  }
  if (a instanceof WeakRef) return sameDeep(a.deref(), (b as WeakRef<WeakKey>).deref(), seen);
  if (seen.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  seen.set(a, b);
  if (a instanceof Set) return sameMembers(a, b as Set<unknown>, seen);
  if (a instanceof Map) return sameEntries(a, b as Map<unknown, unknown>, seen);
  if (comparedAsText.has(prototype)) return String(a) === String(b);
  return sameProperties(a, b, seen);
}

function sameValue(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function prototypeOf(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function isBuffer(value: object): value is ArrayBuffer {
  return value instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer);
}

function sameElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (!sameValue(a[i], b[i])) return false;
  }
  return true;
}

function sameMembers(a: Set<unknown>, b: Set<unknown>, seen: Seen): boolean {
  if (a.size !== b.size) return false;
  const left = [...a];
  if (!left.some(isObject)) return left.every((value) => b.has(value));
  const right = [...b];
  return left.every((value) => right.some((other) => sameDeep(value, other, seen)));
}

function sameEntries(a: Map<unknown, unknown>, b: Map<unknown, unknown>, seen: Seen): boolean {
  if (a.size !== b.size) return false;
  const right = [...b];
  return [...a].every(([key, value]) => {
    if (!isObject(key)) return b.has(key) && sameDeep(value, b.get(key), seen);
    return right.some(([otherKey, other]) => sameDeep(key, otherKey, seen) && sameDeep(value, other, seen));
  });
}

function sameProperties(a: object, b: object, seen: Seen): boolean {
  const keys = new Set([...comparedKeys(a), ...comparedKeys(b)]);
  for (const key of keys) {
    if (key in a !== key in b) return false;
    if (!sameDeep(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

/** Own enumerable keys of plain objects and arrays; of class instances all keys, those of their getters included. */
function comparedKeys(value: object): Set<PropertyKey> {
  const keys = new Set<PropertyKey>();
  const prototype = prototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype) {
    for (const key of Reflect.ownKeys(value)) {
      if (Object.prototype.propertyIsEnumerable.call(value, key)) keys.add(key);
    }
    return keys;
  }
  for (let at: object | null = value; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    if (at === Array.prototype) break;
    for (const key of Reflect.ownKeys(at)) keys.add(key);
  }
  return keys;
}
