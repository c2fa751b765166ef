/**
 * Routes that were found right, by what was written: of two configurations that are nearly the same, such as one before a change
 * and one after it, most routes are read once, and are the same objects in both.
 */
import type { z } from 'zod';
import { explainIssue } from '#schema/explain.ts';
import { isMap } from '#schema/forms.ts';
import type { Configuration, RouteConfiguration } from './configuration.ts';
import { setOwn } from './own-property.ts';

type Named<Value> = Readonly<Record<string, Value>>;

/** For configurations of the same policies, since what the schema says of a route depends on nothing but that route. */
export class KnownRoutes {
  #written: Named<unknown> = {};
  #read: Named<RouteConfiguration> = {};

  /** Reads a configuration, except for those of its routes that the one before it has too. */
  parse(schema: z.ZodType<Configuration>, value: unknown): z.ZodSafeParseResult<Configuration> {
    const written = isMap(value) ? value['routes'] : undefined;
    if (!isMap(value) || !isMap(written)) return schema.safeParse(value, { error: explainIssue });
    const others: Record<string, unknown> = {};
    for (const name of Object.keys(written)) if (!this.#knows(name, written[name])) setOwn(others, name, written[name]);
    const result = schema.safeParse({ ...value, routes: others }, { error: explainIssue });
    if (!result.success) return result;
    const routes: Record<string, RouteConfiguration> = {};
    for (const name of Object.keys(written))
      setOwn(routes, name, Object.hasOwn(others, name) ? result.data.routes[name] : this.#read[name]);
    this.#written = written;
    this.#read = routes;
    return { success: true, data: { ...result.data, routes } };
  }

  #knows(name: string, written: unknown): boolean {
    return Object.hasOwn(this.#read, name) && isWrittenAlike(this.#written[name], written);
  }
}

/** The same texts, numbers and words, in the same order. What a document cannot hold is like nothing else. */
function isWrittenAlike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one))
    return Array.isArray(other) && one.length === other.length && one.every((item, index) => isWrittenAlike(item, other[index]));
  if (!isPlainMap(one) || !isPlainMap(other)) return false;
  const names = Object.keys(one);
  const otherNames = Object.keys(other);
  return (
    names.length === otherNames.length &&
    names.every((name, index) => name === otherNames[index] && isWrittenAlike(one[name], other[name]))
  );
}

function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return isMap(value) && Object.getPrototypeOf(value) === Object.prototype;
}
