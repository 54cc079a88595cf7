import type { AllowedNamespaces, LabelSelector } from '@operator/api';

type Labels = Readonly<Record<string, string>>;

/** The labels of a namespace; none when it does not exist. */
export type LabelsOf = (namespace: string) => Promise<Labels>;

const hasLabel = (labels: Labels, key: string): boolean => Object.hasOwn(labels, key);

/** Matches labels against a selector; an empty selector matches all. Source: Kubernetes API, LabelSelector. */
export const matchesSelector = (selector: LabelSelector, labels: Labels): boolean => {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    if (!hasLabel(labels, key) || labels[key] !== value) return false;
  }
  return (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    const listed = hasLabel(labels, key) && (values ?? []).includes(labels[key] ?? '');
    switch (operator) {
      case 'In':
        return listed;
      case 'NotIn':
        return !listed;
      case 'Exists':
        return hasLabel(labels, key);
      case 'DoesNotExist':
        return !hasLabel(labels, key);
    }
  });
};

/**
 * True when an object in `owner` may be referred to from `from`. Its own namespace always may; others only by
 * `allowedNamespaces`. `labelsOf` is asked only when a selector decides.
 */
export const isGranted = async (
  allowed: AllowedNamespaces | undefined,
  namespaces: { readonly owner: string; readonly from: string },
  labelsOf: LabelsOf,
): Promise<boolean> => {
  if (namespaces.owner === namespaces.from) return true;
  if (allowed === undefined) return false;
  if (allowed.all === true || allowed.names?.includes(namespaces.from) === true) return true;
  return allowed.selector !== undefined && matchesSelector(allowed.selector, await labelsOf(namespaces.from));
};
