/**
 * Text of somebody else as a message, a status or a log may show it: one line, at most `most` characters, without the characters that move the cursor
 * or turn the direction of the text.
 */
export const oneLine = (text: string, most: number): string => {
  const line = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return (line.length > most ? `${line.slice(0, most - 1)}…` : line).toWellFormed();
};

// A long run of base64, as it is or as a URL has it, may be a session token that a proxy echoed; nothing a person needs looks like that.
const tokenLike = /[A-Za-z0-9+/=_%]{80,}/g;

/** As `oneLine`, and without what looks like a token: for the words of a server, which may quote a request. */
export const clean = (text: string, most: number): string => oneLine(text.replace(tokenLike, '…'), most);
