/** The controllers, by the short name that charts and commands call them. */
export const controllerNames = ['provider', 'bucket', 'policy', 'accesskey'] as const;
export type ControllerName = (typeof controllerNames)[number];
