//! The operations of the API. What they need in routes and permissions stands here once.

use lambda_http::http::Method;
use serde::Serialize;

use crate::domain::Permission;

/// An operation of the contract; named as `operationId` in the API description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Operation {
    /// POST of a category.
    CreateCategory,
    /// GET of a customer's categories.
    ListCategories,
    /// GET of one category.
    GetCategory,
    /// PATCH of one category.
    UpdateCategory,
    /// DELETE of one category.
    DeleteCategory,
    /// GET of a customer's history.
    ListCategoryHistory,
}

impl Operation {
    /// Every operation that there is.
    pub const ALL: [Self; 6] = [
        Self::CreateCategory,
        Self::ListCategories,
        Self::GetCategory,
        Self::UpdateCategory,
        Self::DeleteCategory,
        Self::ListCategoryHistory,
    ];

    /// The folder under `functions/` and the name of the binary.
    #[must_use]
    pub const fn function(self) -> &'static str {
        match self {
            Self::CreateCategory => "create-category",
            Self::ListCategories => "list-categories",
            Self::GetCategory => "get-category",
            Self::UpdateCategory => "update-category",
            Self::DeleteCategory => "delete-category",
            Self::ListCategoryHistory => "list-category-history",
        }
    }

    /// The HTTP method.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::CreateCategory => Method::POST,
            Self::ListCategories | Self::GetCategory | Self::ListCategoryHistory => Method::GET,
            Self::UpdateCategory => Method::PATCH,
            Self::DeleteCategory => Method::DELETE,
        }
    }

    /// What an API key has to allow.
    #[must_use]
    pub const fn permission(self) -> Permission {
        match self {
            Self::ListCategories | Self::GetCategory | Self::ListCategoryHistory => Permission::Read,
            Self::CreateCategory | Self::UpdateCategory | Self::DeleteCategory => Permission::Write,
        }
    }

    /// Whether `If-Match` can make it conditional.
    #[must_use]
    pub const fn is_conditional(self) -> bool {
        matches!(self, Self::UpdateCategory | Self::DeleteCategory)
    }

    /// Whether a request has a body.
    #[must_use]
    pub const fn takes_a_body(self) -> bool {
        matches!(self, Self::CreateCategory | Self::UpdateCategory)
    }

    /// The route as API Gateway writes it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::CreateCategory | Self::ListCategories => {
                "/v4/orgs/{org_id}/customers/{customer_id}/categories"
            }
            Self::ListCategoryHistory => "/v4/orgs/{org_id}/customers/{customer_id}/categories/historical",
            Self::GetCategory | Self::UpdateCategory | Self::DeleteCategory => {
                "/v4/orgs/{org_id}/customers/{customer_id}/categories/{category_id}"
            }
        }
    }

    /// The methods that a path allows, as an `Allow` header lists them; `None` for an unknown path.
    #[must_use]
    pub fn allowed_on(path: &str) -> Option<String> {
        let matching = Self::ALL.into_iter().filter(|operation| matches(operation.path(), path));
        // As in API Gateway, a literal segment wins over a parameter.
        let route = matching.map(Self::path).min_by_key(|route| route.matches('{').count())?;
        let methods = Self::ALL.into_iter().filter(|operation| operation.path() == route).map(Self::method);
        Some(methods.map(|method| method.to_string()).collect::<Vec<_>>().join(", "))
    }
}

fn matches(route: &str, path: &str) -> bool {
    let is_parameter = |segment: &str| segment.starts_with('{');
    let (mut route, mut path) = (route.split('/'), path.split('/'));
    loop {
        match (route.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(sent))
                if expected == sent || (is_parameter(expected) && !sent.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_allow_the_methods_that_they_are_routed_for() {
        let base = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories";
        let allowed = |rest: &str| Operation::allowed_on(&format!("{base}{rest}"));
        assert_eq!(allowed("").as_deref(), Some("POST, GET"));
        assert_eq!(allowed("/7").as_deref(), Some("GET, PATCH, DELETE"));
        assert_eq!(allowed("/historical").as_deref(), Some("GET"));
        assert_eq!(allowed("/"), None);
        assert_eq!(allowed("/7/8"), None);
        assert_eq!(Operation::allowed_on("/"), None);
    }
}
