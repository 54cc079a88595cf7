/** What a table has for a server, by what the `Server` header of its answers begins with; undefined where it is not known. */
export const ofSoftware = <T>(table: ReadonlyMap<string, T>, server: string): T | undefined =>
  [...table].find(([name]) => server.startsWith(name))?.[1];
