import { reasons } from '@operator/api';
import { terminal, type Fault } from '@operator/outcome';

/** Bytes that everything that templates and presets add to one Secret may have; a Secret has room for 1 MiB. */
export const mostBytes = 262_144;

/** How many bytes may still be written. */
export interface Room {
  left: number;
}

/** A reference with its name, or the mark of a plain `$(`; the name of one that is not closed is cut off by the end of the text. */
const reference = /\$\$\(|\$\((?<name>[^)]*)(?<end>\)?)/g;

/**
 * The text with each `$(name)` replaced by the value of that name, and each `$$(` by a plain `$(`, as the fields of a Pod have it. There is
 * nothing else: no logic, no nesting, and what a value brings is never read as a template. `field`: for messages. `room`: is used up.
 * @throws Fault `terminal` TemplateInvalid: an unknown name, a reference without end, or more output than there is room for
 */
export const render = (
  template: string,
  values: ReadonlyMap<string, string>,
  { field, room }: { readonly field: string; readonly room: Room },
): string => {
  const parts: string[] = [];
  const put = (part: string): void => {
    room.left -= Buffer.byteLength(part);
    if (room.left < 0) throw tooLarge(field);
    parts.push(part);
  };
  let from = 0;
  for (const { 0: found, index, groups } of template.matchAll(reference)) {
    put(template.slice(from, index));
    put(
      groups?.name === undefined
        ? '$('
        : valueOf(template, { index, name: groups.name, end: groups.end }, values, field),
    );
    from = index + found.length;
  }
  put(template.slice(from));
  return parts.join('');
};

const valueOf = (
  template: string,
  { index, name, end }: { readonly index: number; readonly name: string; readonly end: string | undefined },
  values: ReadonlyMap<string, string>,
  field: string,
): string => {
  if (end !== ')') throw wrong(template, index, field, '"$(" has no ")" after it. Write "$$(" for a plain "$("');
  const value = values.get(name);
  if (value !== undefined) return value;
  throw wrong(
    template,
    index,
    field,
    `there is no value ${JSON.stringify(name.slice(0, 64))}. The values are ${[...values.keys()].join(', ')}; write "$$(" for a plain "$("`,
  );
};

const wrong = (template: string, index: number, field: string, what: string): Fault => {
  const before = template.slice(0, index).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return terminal(reasons.TemplateInvalid, `${field}, line ${before.length}, column ${column}: ${what}.`);
};

const tooLarge = (field: string): Fault =>
  terminal(
    reasons.TemplateInvalid,
    `${field}: spec.secretTemplate makes more than ${mostBytes} bytes. Shorten it, or spread it over several AccessKeys.`,
  );
