import { annotations, entriesIn, type AllowedNamespaces, type LabelSelector } from '@operator/api';

type Labels = Readonly<Record<string, string>>;

/** The labels of a namespace; none when it does not exist. */
export type LabelsOf = (namespace: string) => Promise<Labels>;

/** The same, asking for each namespace once: for one pass, in which a grant may be looked at for several reasons. */
export const askingOnce = (labelsOf: LabelsOf): LabelsOf => {
  const asked = new Map<string, Promise<Labels>>();
  return (namespace) => {
    const known = asked.get(namespace) ?? labelsOf(namespace);
    asked.set(namespace, known);
    return known;
  };
};

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

/** A Provider or a Bucket, as far as it lets objects of other namespaces use it. */
export interface Lender {
  readonly metadata: { readonly namespace: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly allowedNamespaces?: AllowedNamespaces };
}

/**
 * How a namespace stands with a lender. `withdrawn`: it is not granted (any more), so nothing new is made; what there is stays.
 * `confirmed`: the lender also named the namespace in the annotation, so what there is goes.
 */
export type GrantState = 'granted' | 'withdrawn' | 'confirmed';

/** The namespaces whose withdrawal the lender confirmed; entries stand with commas between. */
export const confirmedWithdrawals = ({ metadata }: Pick<Lender, 'metadata'>): ReadonlySet<string> =>
  new Set(entriesIn(metadata.annotations?.[annotations.confirmWithdrawal]));

/**
 * How objects of namespace `from` stand with `lender`, whatever they have by now. A grant outweighs an annotation that is left
 * over from an earlier withdrawal. `labelsOf` is asked only when a selector decides.
 */
export const withdrawalOf = async (lender: Lender, from: string, labelsOf: LabelsOf): Promise<GrantState> => {
  const namespaces = { owner: lender.metadata.namespace, from };
  if (await isGranted(lender.spec.allowedNamespaces, namespaces, labelsOf)) return 'granted';
  return confirmedWithdrawals(lender).has(from) ? 'confirmed' : 'withdrawn';
};
