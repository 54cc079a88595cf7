/** The controllers, by the short names that charts, commands and tests call them. */
export const controllerNames = ['provider', 'bucket', 'policy', 'accesskey'] as const;
export type ControllerName = (typeof controllerNames)[number];
